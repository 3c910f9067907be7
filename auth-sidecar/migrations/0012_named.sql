-- What a waiting browser calls itself: only a word, where its session has not proven it.
ALTER TABLE pairings ADD COLUMN named TEXT NOT NULL DEFAULT '';
