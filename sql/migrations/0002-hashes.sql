-- All that mb-hash computes of a version, beside its SHA-256.
ALTER TABLE hash ALTER sha256 DROP NOT NULL,
  ADD md5 bytea,
  ADD sha1 bytea,
  ADD sha512 bytea,
  ADD piece_bytes bigint,
  ADD sha1_pieces bytea,
  ADD pieces_root bytea,
  ADD piece_layer bytea,
  ADD btih bytea,
  ADD btih_v1 bytea,
  ADD btmh bytea,
  ADD zsync_block_bytes integer,
  ADD zsync_seq_matches integer,
  ADD zsync_rsum_bytes integer,
  ADD zsync_md4_bytes integer,
  ADD zsync_sums bytea,
  ADD signature_kind "char",
  ADD signature bytea,
  ADD signature_ctime_ns bigint,
  ADD ctime_ns bigint,
  ADD CONSTRAINT hash_digest_known CHECK (num_nonnulls(md5, sha1, sha256, sha512) > 0),
  ADD CONSTRAINT hash_md5_length CHECK (octet_length(md5) = 16),
  ADD CONSTRAINT hash_sha1_length CHECK (octet_length(sha1) = 20),
  ADD CONSTRAINT hash_sha512_length CHECK (octet_length(sha512) = 64),
  ADD CONSTRAINT hash_sha1_pieces_length
    CHECK ((piece_bytes IS NULL) = (sha1_pieces IS NULL) AND octet_length(sha1_pieces) % 20 = 0),
  ADD CONSTRAINT hash_piece_bytes_power CHECK (piece_bytes >= 16384 AND piece_bytes & (piece_bytes - 1) = 0),
  ADD CONSTRAINT hash_pieces_root_length CHECK (octet_length(pieces_root) = 32),
  ADD CONSTRAINT hash_piece_layer_length CHECK (octet_length(piece_layer) % 32 = 0),
  ADD CONSTRAINT hash_btih_length CHECK (octet_length(btih) = 20),
  ADD CONSTRAINT hash_btih_v1_length CHECK (octet_length(btih_v1) = 20),
  ADD CONSTRAINT hash_btmh_length CHECK (octet_length(btmh) = 32),
  ADD CONSTRAINT hash_zsync_complete CHECK (
    num_nulls(zsync_block_bytes, zsync_seq_matches, zsync_rsum_bytes, zsync_md4_bytes, zsync_sums) IN (0, 5)),
  ADD CONSTRAINT hash_zsync_range CHECK (
    zsync_block_bytes >= 16 AND zsync_seq_matches IN (1, 2) AND zsync_rsum_bytes BETWEEN 1 AND 4
    AND zsync_md4_bytes BETWEEN 3 AND 16
    AND octet_length(zsync_sums) % (zsync_rsum_bytes + zsync_md4_bytes) = 0),
  ADD CONSTRAINT hash_signature_kind_known CHECK (signature_kind IN ('a', 's') AND signature IS NOT NULL OR
                                              signature_kind IS NULL AND signature IS NULL),
  ADD CONSTRAINT hash_signature_length CHECK (octet_length(signature) BETWEEN 1 AND 65536);
ALTER TABLE hash ALTER sha1_pieces SET STORAGE EXTERNAL, ALTER piece_layer SET STORAGE EXTERNAL,
  ALTER zsync_sums SET STORAGE EXTERNAL;
