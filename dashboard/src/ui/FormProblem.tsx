/** Why a form was refused, read out when it appears. */
import { asProblem } from "@/api/problem";
import classes from "@/ui/Form.module.css";

export function FormProblem({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = asProblem(error);
  return (
    <div className={classes.problem} role="alert">
      <p>{problem.message}</p>
      {problem.errors.length > 0 && (
        <ul>
          {problem.errors.map(({ path, reason }) => (
            <li key={path}>
              <code>{path}</code> {reason}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
