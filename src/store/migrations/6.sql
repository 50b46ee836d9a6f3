-- The last run of a task, found without a walk through all of them.

CREATE INDEX runs_as_of ON runs (task, as_of);
CREATE INDEX runs_system ON runs (task, id) WHERE clock = 'system';
