-- How often rules decided, as one row a call: a row for each of its rules, with its checks, was most
-- of what a call with many decisions cost. `rule_uses_added` is folded as before for whoever still
-- writes it.

CREATE TABLE IF NOT EXISTS rule_uses_by_call (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  at TIMESTAMPTZ NOT NULL,
  rule_ids TEXT[] NOT NULL,
  decided INTEGER[] NOT NULL,
  ran INTEGER[] NOT NULL,
  PRIMARY KEY (partner_id, id),
  CHECK (cardinality(rule_ids) BETWEEN 1 AND 1000
    AND cardinality(decided) = cardinality(rule_ids) AND cardinality(ran) = cardinality(rule_ids)
    AND 1 <= ALL (decided) AND 0 <= ALL (ran))
);
SELECT protect_table('rule_uses_by_call', 'partner');
SELECT open_to_jobs('rule_uses_by_call');
GRANT SELECT, INSERT ON rule_uses_by_call TO wardline_app;
GRANT SELECT, DELETE ON rule_uses_by_call TO wardline_jobs;
