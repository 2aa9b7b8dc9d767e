-- Storing hashes writes to no row of file any more: they have a revision of their own (0: the file's tells), and triggers in
-- place of the foreign key, whose check writes to each file's row. Both tables at once, in the order in which merges take them.
LOCK TABLE file, hash IN ACCESS EXCLUSIVE MODE;
ALTER TABLE hash ADD rev bigint NOT NULL DEFAULT 0;
ALTER TABLE hash DROP CONSTRAINT hash_file_id_fkey;
CREATE FUNCTION delete_hashes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$ BEGIN DELETE FROM hash USING deleted WHERE file_id = deleted.id; RETURN NULL; END $$;
CREATE TRIGGER file_hashes AFTER DELETE ON file REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION delete_hashes();
CREATE FUNCTION empty_hashes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$ BEGIN DELETE FROM hash; RETURN NULL; END $$;
CREATE TRIGGER file_hashes_truncate AFTER TRUNCATE ON file FOR EACH STATEMENT EXECUTE FUNCTION empty_hashes();
