-- A schema says which older programs work with it.
ALTER TABLE schema_version ADD COLUMN oldest_program integer,
  ADD CONSTRAINT schema_version_oldest_program CHECK (oldest_program BETWEEN 1 AND version);
