-- What tells that a mirror's listing says nothing new.
ALTER TABLE source ADD rev bigint NOT NULL DEFAULT 0;
ALTER TABLE scan ADD fingerprint bytea, ADD rev bigint, ADD held bigint;
