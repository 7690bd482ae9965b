/** What stands where data will be: loading, nothing there, and what went wrong with a way on. */
import { Button, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { asProblem } from "@/api/problem";
import classes from "@/ui/States.module.css";

export function Loading({ rows = 3, height = 72 }: { rows?: number; height?: number }) {
  return (
    <div className={classes.loading} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} radius="md" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <h3>{title}</h3>
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asProblem(error);
  return (
    <div className={classes.failed} role="alert">
      <h3>{problem.title}</h3>
      <p>{problem.message}</p>
      <div className={classes.failedFoot}>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        <code>{problem.status > 0 ? `${problem.status} ${problem.code}` : problem.code}</code>
      </div>
    </div>
  );
}

interface Answer<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

/** Shows a query's data as soon as there is any; old data stays when a refetch fails. */
export function Loaded<T>(props: {
  query: Answer<T>;
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  const { data, error, refetch } = props.query;
  if (data !== undefined) return <>{props.children(data)}</>;
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  return <>{props.loading ?? <Loading />}</>;
}
