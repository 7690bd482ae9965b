/** The score over time as a picture, and the same as a table; where nothing was measured is a gap. */
import { useElementSize } from "@mantine/hooks";
import { area, dots, type Frame, line, type Moment, runs, x, y } from "@/features/posture/chart";
import classes from "@/features/posture/TrendChart.module.css";
import { useNow } from "@/ui/now";
import { scoreWords } from "@/ui/score";
import { Row, Table } from "@/ui/Table";
import { Time } from "@/ui/Time";
import { local } from "@/ui/time";

const HEIGHT = 168;
const MARGIN = { left: 44, right: 12, top: 10, bottom: 24 };
const SHARES = [0, 0.5, 1];
const WIDTH_MIN = 240;
const COLUMNS = ["When", "Score", "Measured", "Fail", "Unknown"];
const TABLE_ROWS_MAX = 50;

interface Props {
  moments: Moment[];
  since: string;
  until: string;
  stepSeconds: number;
  title: string;
}

export default function TrendChart({ moments, since, until, stepSeconds, title }: Props) {
  const { ref, width } = useElementSize();
  const all = dots(moments);
  const inner = Math.max(WIDTH_MIN, width);
  const frame: Frame = {
    left: MARGIN.left,
    top: MARGIN.top,
    width: inner - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
    since: Date.parse(since),
    until: Date.parse(until),
  };
  return (
    <figure className={classes.chart} ref={ref}>
      <svg viewBox={`0 0 ${inner} ${HEIGHT}`} height={HEIGHT} role="img" aria-label={title}>
        <Axes frame={frame} />
        {runs(all, stepSeconds).map((run) => (
          <g key={run[0]?.at}>
            <path className={classes.area} d={area(frame, run)} />
            <path className={classes.line} d={line(frame, run)} />
          </g>
        ))}
        {all.map((dot) =>
          dot.share === null ? (
            <rect
              key={dot.at}
              className={classes.little}
              x={x(frame, dot.at) - 3}
              y={y(frame, 0) - 6}
              width={6}
              height={6}
            />
          ) : (
            <circle
              key={dot.at}
              className={classes.dot}
              cx={x(frame, dot.at)}
              cy={y(frame, dot.share)}
              r={2.5}
            />
          ),
        )}
      </svg>
      <figcaption className={classes.legend}>
        Passed of all that was measured. Where the line is missing, nothing was; a square marks a
        moment at which too little was.
      </figcaption>
      <details className={classes.more}>
        <summary>As a table</summary>
        <TrendTable moments={moments} />
      </details>
    </figure>
  );
}

function Axes({ frame }: { frame: Frame }) {
  const now = useNow();
  const right = frame.left + frame.width;
  const foot = frame.top + frame.height + 17;
  return (
    <g className={classes.axes}>
      {SHARES.map((share) => (
        <g key={share}>
          <line x1={frame.left} x2={right} y1={y(frame, share)} y2={y(frame, share)} />
          <text x={frame.left - 8} y={y(frame, share) + 4} textAnchor="end">
            {share === 1 ? "all" : share === 0 ? "none" : "half"}
          </text>
        </g>
      ))}
      <text x={frame.left} y={foot}>
        {local(new Date(frame.since), now)}
      </text>
      <text x={right} y={foot} textAnchor="end">
        now
      </text>
    </g>
  );
}

function TrendTable({ moments }: { moments: Moment[] }) {
  const newest = moments.toReversed().slice(0, TABLE_ROWS_MAX);
  return (
    <Table label="Score over time" columns={COLUMNS}>
      {newest.map((moment) => {
        const words = scoreWords(moment.results, moment.score);
        return (
          <Row
            key={moment.at}
            columns={COLUMNS}
            cells={[
              <Time key="at" at={moment.at} as="clock" />,
              words.headline,
              words.detail,
              moment.results.fail,
              moment.results.unknown,
            ]}
          />
        );
      })}
    </Table>
  );
}
