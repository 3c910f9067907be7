-- The node ids that a token or a certificate speaks for: one, or a beginning with `*` behind it. Empty = all.
ALTER TABLE access_tokens ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE access_certificates ADD COLUMN node TEXT NOT NULL DEFAULT '';
