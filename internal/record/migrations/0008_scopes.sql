-- What tasks of graphs wait for.

-- The scopes of the events that tasks of the run wait for, in the order of the conditions
-- of its definition; null = none. They are of the input, and nobody works them out again.
alter table adze.run add column scopes text[];
