-- What the first release made, and a little of what people did with it. Written down by its own code; never edited.
CREATE TABLE users (
	id INTEGER NOT NULL, 
	username VARCHAR(32) NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (username)
)
-- next
CREATE TABLE tokens (
	digest VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(user_id) REFERENCES users (id)
)
-- next
CREATE INDEX ix_tokens_expires_at ON tokens (expires_at)
-- next
CREATE TABLE accounts (
	id BIGINT NOT NULL, 
	user_id INTEGER, 
	name VARCHAR(60) NOT NULL, 
	balance_cents BIGINT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT balance_in_range CHECK (balance_cents BETWEEN 0 AND 1000000000000000), 
	FOREIGN KEY(user_id) REFERENCES users (id)
)
-- next
CREATE INDEX ix_accounts_user_id ON accounts (user_id)
-- next
CREATE TABLE transactions (
	id VARCHAR(36) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT known_kind CHECK (kind IN ('deposit', 'withdrawal', 'transfer')), 
	FOREIGN KEY(user_id) REFERENCES users (id)
)
-- next
CREATE TRIGGER transactions_no_update BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END
-- next
CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END
-- next
CREATE TABLE postings (
	id INTEGER NOT NULL, 
	transaction_id VARCHAR(36) NOT NULL, 
	account_id BIGINT NOT NULL, 
	amount_cents BIGINT NOT NULL, 
	balance_after_cents BIGINT, 
	PRIMARY KEY (id), 
	CONSTRAINT moves_something CHECK (amount_cents <> 0), 
	FOREIGN KEY(transaction_id) REFERENCES transactions (id), 
	FOREIGN KEY(account_id) REFERENCES accounts (id)
)
-- next
CREATE INDEX postings_of_account ON postings (account_id, id)
-- next
CREATE INDEX ix_postings_transaction_id ON postings (transaction_id)
-- next
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END
-- next
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END
-- next
INSERT INTO users (id, username, password_hash, created_at) VALUES (1, 'ada', 'scrypt:16384:8:5$XbBgX40l3jDH18NR$44f6f728a921af6348c9b08b76e4c6db057e6abbe8f58802050e869a0405727889d0a612f12ccb94f5c3d28661383de6ad19cca58d3aab65412780fd624a962d', 1700000001)
-- next
INSERT INTO users (id, username, password_hash, created_at) VALUES (2, 'bob', 'scrypt:16384:8:5$isvLgbkFZ2cxq0AG$d137fa174b99addbd3290cd9260e630978388a30ed0af374ac8317c441f1b87231d0c462eaa5e1d65b862756fc0e97a2320664aefdf968df6173f7b8b8fb57de', 1700000002)
-- next
INSERT INTO accounts (id, user_id, name, balance_cents, opened_at) VALUES (1, NULL, 'House', 0, 1700000000)
-- next
INSERT INTO accounts (id, user_id, name, balance_cents, opened_at) VALUES (100000000001, 1, 'Everyday', 7000, 1700000003)
-- next
INSERT INTO accounts (id, user_id, name, balance_cents, opened_at) VALUES (100000000002, 1, 'Savings', 1234, 1700000004)
-- next
INSERT INTO accounts (id, user_id, name, balance_cents, opened_at) VALUES (100000000003, 2, 'Bob''s', 2001, 1700000005)
-- next
INSERT INTO tokens (digest, user_id, expires_at) VALUES ('cc4e6a301e1ada61e1bb28a6434b7e375ba65f20f888b2a4e9e9cd680aada223', 1, 1700003611)
-- next
INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'deposit', 1, 1700000006)
-- next
INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('00000000-0000-4000-8000-000000000002', 'deposit', 1, 1700000007)
-- next
INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('00000000-0000-4000-8000-000000000003', 'withdrawal', 1, 1700000008)
-- next
INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('00000000-0000-4000-8000-000000000004', 'transfer', 1, 1700000009)
-- next
INSERT INTO transactions (id, kind, user_id, created_at) VALUES ('00000000-0000-4000-8000-000000000005', 'deposit', 2, 1700000010)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (1, '00000000-0000-4000-8000-000000000001', 1, -10000, NULL)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (2, '00000000-0000-4000-8000-000000000001', 100000000001, 10000, 10000)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (3, '00000000-0000-4000-8000-000000000002', 1, -1234, NULL)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (4, '00000000-0000-4000-8000-000000000002', 100000000002, 1234, 1234)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (5, '00000000-0000-4000-8000-000000000003', 1, 1000, NULL)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (6, '00000000-0000-4000-8000-000000000003', 100000000001, -1000, 9000)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (7, '00000000-0000-4000-8000-000000000004', 100000000001, -2000, 7000)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (8, '00000000-0000-4000-8000-000000000004', 100000000003, 2000, 2000)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (9, '00000000-0000-4000-8000-000000000005', 1, -1, NULL)
-- next
INSERT INTO postings (id, transaction_id, account_id, amount_cents, balance_after_cents) VALUES (10, '00000000-0000-4000-8000-000000000005', 100000000003, 1, 2001)
