-- What replicas need to follow: changed cohorts by rev, and a call when there is news.
CREATE INDEX cohort_rev ON cohort (rev);
CREATE FUNCTION notify_replicas() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY mirror_feed; RETURN NULL; END $$;
CREATE TRIGGER revision_notify AFTER INSERT ON revision FOR EACH STATEMENT EXECUTE FUNCTION notify_replicas();
CREATE TRIGGER mirror_rev_notify AFTER UPDATE ON mirror_rev FOR EACH STATEMENT EXECUTE FUNCTION notify_replicas();
