-- Which files each merge changed, in place of an index on file.rev, for which no changed row could stay on its page.
CREATE TABLE change (
  rev bigint NOT NULL,
  upto bigint NOT NULL,
  files bigint[],
  PRIMARY KEY (rev, upto)
);
DROP INDEX file_rev;
ALTER TABLE file SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
