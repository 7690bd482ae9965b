/** A simulated decision: the verdict, every check that led to it, and what would unlock it. */
import { Link } from "@tanstack/react-router";
import type { Simulated, Unlock } from "@/features/policies/simulate";
import classes from "@/features/policies/Simulator.module.css";
import { Badge } from "@/ui/Badge";
import { Json } from "@/ui/Json";
import { Time } from "@/ui/Time";
import { Trace } from "@/ui/Trace";
import { capital, codeWords, VERDICT, wordFor } from "@/ui/words";

export function SimulatedView({ simulated, isDraft }: { simulated: Simulated; isDraft: boolean }) {
  const { decision, unlock } = simulated;
  const params = decision.resolvedParams ?? {};
  return (
    <section className={classes.answer} aria-label="What would be decided">
      <p className={classes.says} role="status">
        <Badge word={wordFor(VERDICT, decision.verdict)} />
        <span>
          {capital(codeWords(decision.code))}
          {decision.action && (
            <>
              : <code>{decision.action}</code>
            </>
          )}
          {decision.ruleId && (
            <>
              , by the rule{" "}
              <Link to="/policy/rule" search={{ id: decision.ruleId }}>
                {decision.ruleId}
              </Link>
            </>
          )}
          {isDraft ? ", with this draft in force." : "."}
        </span>
      </p>
      {Object.keys(params).length > 0 && <Json value={params} label="Inputs it would have" />}
      {unlock && <Unlocks ways={unlock} />}
      <h3>How it came to that</h3>
      <Trace steps={decision.trace} />
    </section>
  );
}

function Unlocks({ ways }: { ways: Unlock[] }) {
  return (
    <>
      <h3>What would unlock it</h3>
      {ways.length === 0 ? (
        <p>Nothing that is known of would let it run.</p>
      ) : (
        <ol className={classes.ways} aria-label="What would unlock it">
          {ways.map((way, index) => (
            <li key={index}>
              {way.steps.map((step, place) => (
                <span key={place}>
                  {place > 0 && <i>and </i>}
                  {step.message}
                  {step.at && (
                    <>
                      {" "}
                      (<Time at={step.at} as="clock" />)
                    </>
                  )}
                </span>
              ))}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
