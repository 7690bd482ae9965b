/** Where a site stands, and where it stood: the score in words, three questions, the trend. */
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Posture, Trend } from "@/api/types";
import { postureQuery } from "@/features/posture/get-posture";
import { trendQuery } from "@/features/posture/get-trend";
import classes from "@/features/posture/PosturePanel.module.css";
import { Statuses } from "@/features/posture/Statuses";
import { useNow } from "@/ui/now";
import { Panel } from "@/ui/Page";
import { scoreWords } from "@/ui/score";
import { Loaded, Loading } from "@/ui/States";
import { Time } from "@/ui/Time";

const TrendChart = lazy(() => import("@/features/posture/TrendChart"));
const DAY_MS = 86_400_000;
const SPANS = [
  { value: "1", label: "Day" },
  { value: "7", label: "Week" },
  { value: "30", label: "30 days" },
];

export function PosturePanel({ siteId, since }: { siteId: string; since: string }) {
  const isYoung = useNow().getTime() - Date.parse(since) < DAY_MS;
  const [days, setDays] = useState(isYoung ? "1" : "7");
  const posture = useQuery(postureQuery(siteId));
  const trend = useQuery(trendQuery(siteId, Number(days)));
  return (
    <Panel
      title="Posture"
      note={
        <SegmentedControl
          size="xs"
          aria-label="Span of the chart"
          data={SPANS}
          value={days}
          onChange={setDays}
        />
      }
    >
      <Loaded query={posture} loading={<Loading rows={1} height={168} />}>
        {(now) => (
          <div className={classes.posture}>
            <Now posture={now} />
            <Loaded query={trend} loading={<Loading rows={1} height={168} />}>
              {(then) => <Over posture={now} trend={then} bornAt={since} />}
            </Loaded>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Now({ posture }: { posture: Posture }) {
  const words = scoreWords(posture.results, posture.score);
  return (
    <div className={classes.now}>
      <p className={classes.score} data-enough={words.isEnough || undefined}>
        <b>{words.headline}</b>
        <span>{words.detail}</span>
      </p>
      <Statuses posture={posture} />
      {posture.measured_from && posture.measured_to && (
        <p className={classes.small}>
          Measured between <Time at={posture.measured_from} /> and <Time at={posture.measured_to} />
        </p>
      )}
    </div>
  );
}

function Over(props: { posture: Posture; trend: Trend; bornAt: string }) {
  const { posture, trend, bornAt } = props;
  // The newest point is what is measured now: snapshots are taken once an hour.
  const moments = [...trend.points, { ...posture, at: trend.until }];
  return (
    <Suspense fallback={<Loading rows={1} height={168} />}>
      <TrendChart
        title={`Score over time: now ${scoreWords(posture.results, posture.score).headline}`}
        moments={moments}
        // Before it was added, a site has no score to miss.
        since={Date.parse(bornAt) > Date.parse(trend.since) ? bornAt : trend.since}
        until={trend.until}
        stepSeconds={trend.step_seconds}
      />
    </Suspense>
  );
}
