-- Version 3, as the program of commit e89d632 left it. Made by make.py.
BEGIN TRANSACTION;
CREATE TABLE billing_starts (
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  starts_on TEXT NOT NULL CHECK (date(starts_on) IS starts_on),
  why TEXT NOT NULL CHECK (why IN ('created', 'trial_ended', 'returned', 'imported')),
  PRIMARY KEY (subscription_id, starts_on)
) STRICT, WITHOUT ROWID;
INSERT INTO "billing_starts" VALUES(1,'2025-12-31','created');
INSERT INTO "billing_starts" VALUES(3,'2026-01-05','created');
INSERT INTO "billing_starts" VALUES(5,'2026-01-05','created');
INSERT INTO "billing_starts" VALUES(5,'2026-02-01','returned');
INSERT INTO "billing_starts" VALUES(7,'2026-02-01','imported');
CREATE TABLE charge_attempts (
  id INTEGER PRIMARY KEY,
  transaction_id INTEGER NOT NULL REFERENCES transactions (id),
  idempotency_key TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('prepared', 'succeeded', 'declined', 'pending', 'unknown')),
  reference TEXT,
  code TEXT,
  message TEXT,
  created_at TEXT NOT NULL,
  answered_at TEXT
) STRICT;
INSERT INTO "charge_attempts" VALUES(1,101,'key-1','{"amount":2000,"token":"tok_flaky_1"}','declined',NULL,'insufficient_funds','too little','2026-02-05T04:00:00Z','2026-02-05T04:00:05Z');
INSERT INTO "charge_attempts" VALUES(2,101,'key-2','{"amount":2000,"token":"tok_ok"}','succeeded','ch_2',NULL,NULL,'2026-02-06T04:00:00Z','2026-02-06T04:00:03Z');
INSERT INTO "charge_attempts" VALUES(3,102,'key-3','{"amount":2000}','declined',NULL,'stolen_card','stolen','2026-02-05T04:00:00Z','2026-02-05T04:00:02Z');
INSERT INTO "charge_attempts" VALUES(4,103,'key-4','not even JSON','prepared',NULL,NULL,NULL,'2026-02-05T04:00:00Z',NULL);
INSERT INTO "charge_attempts" VALUES(5,103,'key-5','{"amount":2000}','unknown',NULL,NULL,'timeout','2026-02-07T04:00:00Z',NULL);
CREATE TABLE coupon_checks (
  coupon_id INTEGER NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  checked_on TEXT NOT NULL CHECK (date(checked_on) IS checked_on),
  PRIMARY KEY (coupon_id, tenant_id, checked_on)
) STRICT, WITHOUT ROWID;
INSERT INTO "coupon_checks" VALUES(1,1,'2026-01-06');
INSERT INTO "coupon_checks" VALUES(2,1,'2026-01-06');
INSERT INTO "coupon_checks" VALUES(2,2,'2026-01-06');
INSERT INTO "coupon_checks" VALUES(2,4,'2026-01-06');
CREATE TABLE coupon_plans (
  coupon_id INTEGER NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  PRIMARY KEY (coupon_id, plan_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "coupon_plans" VALUES(3,1);
CREATE TABLE coupon_usages (
  id INTEGER PRIMARY KEY,
  redemption_id INTEGER NOT NULL,
  coupon_id INTEGER NOT NULL REFERENCES coupons (id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER NOT NULL,
  original_minor INTEGER NOT NULL CHECK (original_minor >= 0),
  discount_minor INTEGER NOT NULL CHECK (discount_minor BETWEEN 0 AND original_minor),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  used_at TEXT NOT NULL,
  returned_at TEXT,
  FOREIGN KEY (redemption_id, tenant_id) REFERENCES redemptions (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id)
) STRICT;
INSERT INTO "coupon_usages" VALUES(1,2,2,4,24,4500,500,'EUR','2026-01-06T06:30:00Z',NULL);
INSERT INTO "coupon_usages" VALUES(2,3,2,2,25,1500,500,'EUR','2026-01-06T06:30:00Z','2026-01-07T06:30:00Z');
CREATE TABLE coupons (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL CHECK (length(code) BETWEEN 2 AND 50),
  code_folded TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description TEXT,
  discount_type TEXT NOT NULL CHECK (discount_type IN ('percentage', 'fixed_amount')),
  percent TEXT,
  amount_minor INTEGER CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  currency TEXT CHECK (length(currency) = 3),
  valid_from TEXT NOT NULL,
  valid_to TEXT NOT NULL,
  max_uses INTEGER NOT NULL DEFAULT 0 CHECK (max_uses >= 0),
  max_uses_per_customer INTEGER NOT NULL DEFAULT 1 CHECK (max_uses_per_customer >= 0),
  current_uses INTEGER NOT NULL DEFAULT 0 CHECK (current_uses >= 0),
  customer_eligibility TEXT NOT NULL DEFAULT 'all'
    CHECK (customer_eligibility IN ('all', 'new_customers', 'existing_customers')),
  minimum_minor INTEGER CHECK (minimum_minor BETWEEN 0 AND 1000000000000000),
  first_payment_only INTEGER NOT NULL DEFAULT 0 CHECK (first_payment_only IN (0, 1)),
  duration TEXT NOT NULL DEFAULT 'once' CHECK (duration IN ('once', 'forever', 'repeating')),
  duration_periods INTEGER CHECK (duration_periods >= 1),
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (valid_from < valid_to),
  CHECK (max_uses = 0 OR current_uses <= max_uses),
  CHECK ((discount_type = 'percentage') = (percent IS NOT NULL)),
  CHECK ((discount_type = 'fixed_amount') = (amount_minor IS NOT NULL)),
  CHECK (amount_minor IS NULL OR currency IS NOT NULL),
  CHECK (minimum_minor IS NULL OR currency IS NOT NULL),
  CHECK ((duration = 'repeating') = (duration_periods IS NOT NULL))
) STRICT;
INSERT INTO "coupons" VALUES(1,'TEN','ten','Ten',NULL,'percentage','10',NULL,NULL,'2025-12-31T18:30:00Z','2026-12-31T18:29:59Z',0,1,1,'all',NULL,0,'forever',NULL,1,'2026-01-06T06:30:00Z','2026-01-06T06:30:00Z');
INSERT INTO "coupons" VALUES(2,'FIVE','five','Five',NULL,'fixed_amount',NULL,500,'EUR','2025-12-31T18:30:00Z','2026-12-31T18:29:59Z',3,1,1,'all',NULL,0,'once',NULL,1,'2026-01-06T06:30:00Z','2026-01-06T06:30:00Z');
INSERT INTO "coupons" VALUES(3,'ALL','all','All',NULL,'percentage','100',NULL,NULL,'2025-12-31T18:30:00Z','2026-12-31T18:29:59Z',0,1,0,'all',NULL,0,'once',NULL,1,'2026-01-06T06:30:00Z','2026-01-06T06:30:00Z');
CREATE TABLE database_info (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
INSERT INTO "database_info" VALUES(1,'c0e46f23-8ac4-447a-ab32-7493b7dfe8b7','2026-01-02T06:30:00Z');
CREATE TABLE dunning_steps (
  invoice_id INTEGER NOT NULL,
  dunning_round INTEGER NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('friendly', 'urgent', 'warning', 'suspension')),
  tenant_id INTEGER NOT NULL,
  recorded_on TEXT NOT NULL CHECK (date(recorded_on) IS recorded_on),
  days_overdue INTEGER NOT NULL,
  run_id INTEGER REFERENCES runs (id),
  email_id INTEGER REFERENCES emails (id),
  PRIMARY KEY (invoice_id, dunning_round, stage),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "dunning_steps" VALUES(1,1,'friendly',1,'2026-01-15',2,18,11);
INSERT INTO "dunning_steps" VALUES(1,1,'suspension',1,'2026-01-24',11,42,43);
INSERT INTO "dunning_steps" VALUES(1,1,'urgent',1,'2026-01-17',4,24,18);
INSERT INTO "dunning_steps" VALUES(1,1,'warning',1,'2026-01-19',6,30,29);
INSERT INTO "dunning_steps" VALUES(3,1,'friendly',8,'2026-01-15',2,18,14);
INSERT INTO "dunning_steps" VALUES(3,1,'suspension',8,'2026-01-25',12,45,47);
INSERT INTO "dunning_steps" VALUES(3,1,'urgent',8,'2026-01-17',4,24,21);
INSERT INTO "dunning_steps" VALUES(3,1,'warning',8,'2026-01-19',6,30,42);
INSERT INTO "dunning_steps" VALUES(4,1,'friendly',3,'2026-01-15',2,18,12);
INSERT INTO "dunning_steps" VALUES(4,1,'urgent',3,'2026-01-17',4,24,19);
INSERT INTO "dunning_steps" VALUES(5,1,'friendly',4,'2026-01-15',2,18,13);
INSERT INTO "dunning_steps" VALUES(5,1,'urgent',4,'2026-01-17',4,24,20);
INSERT INTO "dunning_steps" VALUES(5,3,'suspension',4,'2026-01-27',14,51,NULL);
INSERT INTO "dunning_steps" VALUES(5,3,'warning',4,'2026-01-24',11,42,46);
INSERT INTO "dunning_steps" VALUES(5,4,'warning',4,'2026-02-02',20,54,55);
INSERT INTO "dunning_steps" VALUES(7,1,'friendly',6,'2026-01-16',2,21,16);
INSERT INTO "dunning_steps" VALUES(7,1,'urgent',6,'2026-01-18',4,27,25);
INSERT INTO "dunning_steps" VALUES(7,1,'warning',6,'2026-01-20',6,33,34);
INSERT INTO "dunning_steps" VALUES(8,1,'suspension',7,'2026-01-24',10,42,45);
INSERT INTO "dunning_steps" VALUES(8,1,'urgent',7,'2026-01-18',4,27,27);
INSERT INTO "dunning_steps" VALUES(8,1,'warning',7,'2026-01-20',6,33,35);
INSERT INTO "dunning_steps" VALUES(9,1,'friendly',2,'2026-01-16',2,21,15);
INSERT INTO "dunning_steps" VALUES(9,1,'suspension',2,'2026-01-24',10,42,44);
INSERT INTO "dunning_steps" VALUES(9,1,'urgent',2,'2026-01-18',4,27,24);
INSERT INTO "dunning_steps" VALUES(9,1,'warning',2,'2026-01-20',6,33,33);
INSERT INTO "dunning_steps" VALUES(10,1,'friendly',9,'2026-01-16',2,21,17);
INSERT INTO "dunning_steps" VALUES(10,1,'suspension',9,'2026-01-24',10,42,NULL);
INSERT INTO "dunning_steps" VALUES(10,1,'urgent',9,'2026-01-18',4,27,26);
INSERT INTO "dunning_steps" VALUES(10,1,'warning',9,'2026-01-20',6,33,36);
INSERT INTO "dunning_steps" VALUES(11,1,'friendly',10,'2026-01-17',2,24,23);
INSERT INTO "dunning_steps" VALUES(11,1,'suspension',10,'2026-01-25',10,45,48);
INSERT INTO "dunning_steps" VALUES(11,1,'urgent',10,'2026-01-19',4,30,32);
INSERT INTO "dunning_steps" VALUES(11,1,'warning',10,'2026-01-21',6,36,40);
INSERT INTO "dunning_steps" VALUES(11,2,'warning',10,'2026-02-04',20,60,56);
INSERT INTO "dunning_steps" VALUES(21,1,'friendly',1,'2026-01-17',2,24,18);
INSERT INTO "dunning_steps" VALUES(21,1,'suspension',1,'2026-01-25',10,45,NULL);
INSERT INTO "dunning_steps" VALUES(21,1,'urgent',1,'2026-01-19',4,30,29);
INSERT INTO "dunning_steps" VALUES(21,1,'warning',1,'2026-01-21',6,36,38);
INSERT INTO "dunning_steps" VALUES(22,1,'friendly',2,'2026-01-17',2,24,22);
INSERT INTO "dunning_steps" VALUES(22,1,'suspension',2,'2026-01-25',10,45,NULL);
INSERT INTO "dunning_steps" VALUES(22,1,'urgent',2,'2026-01-19',4,30,31);
INSERT INTO "dunning_steps" VALUES(22,1,'warning',2,'2026-01-21',6,36,39);
INSERT INTO "dunning_steps" VALUES(23,1,'friendly',10,'2026-01-17',2,24,23);
INSERT INTO "dunning_steps" VALUES(23,1,'suspension',10,'2026-01-25',10,45,48);
INSERT INTO "dunning_steps" VALUES(23,1,'urgent',10,'2026-01-19',4,30,32);
INSERT INTO "dunning_steps" VALUES(23,1,'warning',10,'2026-01-21',6,36,40);
INSERT INTO "dunning_steps" VALUES(23,2,'warning',10,'2026-02-04',20,60,56);
INSERT INTO "dunning_steps" VALUES(24,1,'friendly',4,'2026-01-18',2,27,28);
INSERT INTO "dunning_steps" VALUES(24,1,'suspension',4,'2026-01-26',10,48,49);
INSERT INTO "dunning_steps" VALUES(24,1,'urgent',4,'2026-01-20',4,33,37);
INSERT INTO "dunning_steps" VALUES(24,1,'warning',4,'2026-01-22',6,39,41);
INSERT INTO "dunning_steps" VALUES(24,2,'warning',4,'2026-02-02',17,54,55);
CREATE TABLE email_messages (
  email_id INTEGER PRIMARY KEY REFERENCES emails (id),
  message BLOB NOT NULL
) STRICT;
INSERT INTO "email_messages" VALUES(1,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(2,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(3,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(4,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2047726F7665203C67726F766540636C69656E74');
INSERT INTO "email_messages" VALUES(5,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(6,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(7,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(8,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(9,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(10,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2049726973203C6972697340636C69656E74732E');
INSERT INTO "email_messages" VALUES(11,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(12,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204365646172203C636564617240636C69656E74');
INSERT INTO "email_messages" VALUES(13,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(14,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204865617468203C686561746840636C69656E74');
INSERT INTO "email_messages" VALUES(15,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(16,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204665726E203C6665726E40636C69656E74732E');
INSERT INTO "email_messages" VALUES(17,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2049726973203C6972697340636C69656E74732E');
INSERT INTO "email_messages" VALUES(18,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(19,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204365646172203C636564617240636C69656E74');
INSERT INTO "email_messages" VALUES(20,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(21,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204865617468203C686561746840636C69656E74');
INSERT INTO "email_messages" VALUES(22,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(23,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(24,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(25,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204665726E203C6665726E40636C69656E74732E');
INSERT INTO "email_messages" VALUES(26,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2049726973203C6972697340636C69656E74732E');
INSERT INTO "email_messages" VALUES(27,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2047726F7665203C67726F766540636C69656E74');
INSERT INTO "email_messages" VALUES(28,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(29,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(30,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204865617468203C686561746840636C69656E74');
INSERT INTO "email_messages" VALUES(31,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(32,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(33,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(34,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204665726E203C6665726E40636C69656E74732E');
INSERT INTO "email_messages" VALUES(35,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2047726F7665203C67726F766540636C69656E74');
INSERT INTO "email_messages" VALUES(36,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2049726973203C6972697340636C69656E74732E');
INSERT INTO "email_messages" VALUES(37,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(38,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(39,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(40,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(41,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(42,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204865617468203C686561746840636C69656E74');
INSERT INTO "email_messages" VALUES(43,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2041636D65203C61636D6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(44,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(45,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2047726F7665203C67726F766540636C69656E74');
INSERT INTO "email_messages" VALUES(46,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(47,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204865617468203C686561746840636C69656E74');
INSERT INTO "email_messages" VALUES(48,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(49,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(50,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204269726368203C626972636840636C69656E74');
INSERT INTO "email_messages" VALUES(51,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204665726E203C6665726E40636C69656E74732E');
INSERT INTO "email_messages" VALUES(52,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(53,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(54,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
INSERT INTO "email_messages" VALUES(55,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A2044756E65203C64756E6540636C69656E74732E');
INSERT INTO "email_messages" VALUES(56,X'46726F6D3A2062696C6C696E67406C6F63616C686F73742E6C6F63616C646F6D61696E0D0A546F3A204A616465203C6A61646540636C69656E74732E');
CREATE TABLE emails (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  template TEXT NOT NULL,
  stage TEXT,
  locale TEXT NOT NULL CHECK (locale IN ('fr', 'en')),
  recipient TEXT NOT NULL,
  subject TEXT,
  facts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(facts)),
  status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent', 'failed', 'canceled')),
  attempts INTEGER NOT NULL DEFAULT 0,
  dedup_key TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL UNIQUE,
  error TEXT,
  run_id INTEGER REFERENCES runs (id),
  queued_at TEXT NOT NULL,
  first_tried_at TEXT,
  next_try_at TEXT,
  sent_at TEXT,
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  CHECK ((status = 'queued') = (next_try_at IS NOT NULL)),
  CHECK ((status = 'sent') = (sent_at IS NOT NULL))
) STRICT;
INSERT INTO "emails" VALUES(1,1,2,'invoice',NULL,'en','acme@clients.example','Your invoice INV-2026-000002: €59.00','{}','sent',1,'invoice/2','1.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-03T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(2,1,1,'payment_received',NULL,'en','acme@clients.example','Payment received: €18.00 for invoice INV-2026-000001','{"transaction":1}','sent',1,'payment/1','2.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(3,1,2,'payment_received',NULL,'en','acme@clients.example','Payment received: €59.00 for invoice INV-2026-000002','{"transaction":2}','sent',1,'payment/2','3.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-05T20:40:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(4,7,8,'payment_received',NULL,'en','grove@clients.example','Payment received: €35.40 for invoice INV-2026-000008','{"transaction":3}','sent',1,'payment/3','4.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-07T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(5,1,21,'invoice',NULL,'en','acme@clients.example','Your invoice INV-2026-000012: €70.80','{}','sent',1,'invoice/21','5.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(6,2,22,'invoice',NULL,'en','birch@clients.example','Your invoice INV-2026-000013: €30.83','{}','sent',1,'invoice/22','6.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(7,10,23,'invoice',NULL,'en','jade@clients.example','Your invoice INV-2026-000014: €30.83','{}','sent',1,'invoice/23','7.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(8,4,24,'payment_received',NULL,'en','dune@clients.example','Payment received: €20.00 for invoice INV-2026-000015','{"transaction":7}','sent',1,'payment/7','8.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-07T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(9,1,NULL,'trial_ended',NULL,'en','acme@clients.example','Your trial of Pro has ended','{"subscription":2,"action":"suspend"}','sent',1,'trial_ended/2/2026-01-09','9.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,2,'2026-01-10T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(10,9,NULL,'trial_ended',NULL,'en','iris@clients.example','Your trial of Pro has ended','{"subscription":6,"action":"suspend"}','sent',1,'trial_ended/6/2026-01-09','10.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,2,'2026-01-10T06:30:00Z','2026-01-10T06:30:00Z',NULL,'2026-01-10T06:30:00Z');
INSERT INTO "emails" VALUES(11,1,NULL,'friendly','friendly','en','acme@clients.example','Reminder: invoice INV-2026-000001 is past due','{}','sent',1,'dunning/1/1/friendly','11.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,18,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z',NULL,'2026-01-15T06:30:00Z');
INSERT INTO "emails" VALUES(12,3,NULL,'friendly','friendly','en','cedar@clients.example','Reminder: invoice INV-2026-000004 is past due','{}','sent',1,'dunning/4/1/friendly','12.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,18,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z',NULL,'2026-01-15T06:30:00Z');
INSERT INTO "emails" VALUES(13,4,NULL,'friendly','friendly','en','dune@clients.example','Reminder: invoice INV-2026-000005 is past due','{}','sent',1,'dunning/5/1/friendly','13.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,18,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z',NULL,'2026-01-15T06:30:00Z');
INSERT INTO "emails" VALUES(14,8,NULL,'friendly','friendly','en','heath@clients.example','Reminder: invoice INV-2026-000003 is past due','{}','sent',1,'dunning/3/1/friendly','14.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,18,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z',NULL,'2026-01-15T06:30:00Z');
INSERT INTO "emails" VALUES(15,2,NULL,'friendly','friendly','en','birch@clients.example','Reminder: 2 invoices are past due','{}','sent',1,'dunning/9/1/friendly','15.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,21,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z',NULL,'2026-01-16T06:30:00Z');
INSERT INTO "emails" VALUES(16,6,NULL,'friendly','friendly','en','fern@clients.example','Reminder: invoice INV-2026-000007 is past due','{}','sent',1,'dunning/7/1/friendly','16.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,21,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z',NULL,'2026-01-16T06:30:00Z');
INSERT INTO "emails" VALUES(17,9,NULL,'friendly','friendly','en','iris@clients.example','Reminder: invoice INV-2026-000010 is past due','{}','sent',1,'dunning/10/1/friendly','17.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,21,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z',NULL,'2026-01-16T06:30:00Z');
INSERT INTO "emails" VALUES(18,1,NULL,'urgent','urgent','en','acme@clients.example','Overdue: 2 invoices are still unpaid','{}','sent',1,'dunning/1/1/urgent','18.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(19,3,NULL,'urgent','urgent','en','cedar@clients.example','Overdue: invoice INV-2026-000004 is still unpaid','{}','sent',1,'dunning/4/1/urgent','19.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(20,4,NULL,'urgent','urgent','en','dune@clients.example','Overdue: 2 invoices are still unpaid','{}','sent',1,'dunning/5/1/urgent','20.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(21,8,NULL,'urgent','urgent','en','heath@clients.example','Overdue: invoice INV-2026-000003 is still unpaid','{}','sent',1,'dunning/3/1/urgent','21.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(22,2,NULL,'friendly','friendly','en','birch@clients.example','Reminder: 2 invoices are past due','{}','sent',1,'dunning/22/1/friendly','22.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(23,10,NULL,'friendly','friendly','en','jade@clients.example','Reminder: 2 invoices are past due','{}','sent',1,'dunning/11/1/friendly','23.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,24,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z',NULL,'2026-01-17T06:30:00Z');
INSERT INTO "emails" VALUES(24,2,NULL,'urgent','urgent','en','birch@clients.example','Overdue: 2 invoices are still unpaid','{}','sent',1,'dunning/9/1/urgent','24.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,27,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z',NULL,'2026-01-18T06:30:00Z');
INSERT INTO "emails" VALUES(25,6,NULL,'urgent','urgent','en','fern@clients.example','Overdue: invoice INV-2026-000007 is still unpaid','{}','sent',1,'dunning/7/1/urgent','25.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,27,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z',NULL,'2026-01-18T06:30:00Z');
INSERT INTO "emails" VALUES(26,9,NULL,'urgent','urgent','en','iris@clients.example','Overdue: invoice INV-2026-000010 is still unpaid','{}','sent',1,'dunning/10/1/urgent','26.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,27,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z',NULL,'2026-01-18T06:30:00Z');
INSERT INTO "emails" VALUES(27,7,NULL,'urgent','urgent','en','grove@clients.example','Overdue: invoice INV-2026-000008 is still unpaid','{}','sent',1,'dunning/8/1/urgent','27.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,27,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z',NULL,'2026-01-18T06:30:00Z');
INSERT INTO "emails" VALUES(28,4,NULL,'friendly','friendly','en','dune@clients.example','Reminder: invoice INV-2026-000015 is past due','{}','sent',1,'dunning/24/1/friendly','28.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,27,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z',NULL,'2026-01-18T06:30:00Z');
INSERT INTO "emails" VALUES(29,1,NULL,'warning','warning','en','acme@clients.example','Notice: your access will be suspended on 23 January 2026','{}','sent',1,'dunning/1/1/warning','29.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,30,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z',NULL,'2026-01-19T06:30:00Z');
INSERT INTO "emails" VALUES(30,8,NULL,'warning','warning','en','heath@clients.example','Notice: your access will be suspended on 23 January 2026','{}','sent',1,'dunning/3/1/warning','30.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,30,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z',NULL,'2026-01-19T06:30:00Z');
INSERT INTO "emails" VALUES(31,2,NULL,'urgent','urgent','en','birch@clients.example','Overdue: 2 invoices are still unpaid','{}','sent',1,'dunning/22/1/urgent','31.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,30,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z',NULL,'2026-01-19T06:30:00Z');
INSERT INTO "emails" VALUES(32,10,NULL,'urgent','urgent','en','jade@clients.example','Overdue: 2 invoices are still unpaid','{}','sent',1,'dunning/11/1/urgent','32.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,30,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z',NULL,'2026-01-19T06:30:00Z');
INSERT INTO "emails" VALUES(33,2,NULL,'warning','warning','en','birch@clients.example','Notice: your access will be suspended on 24 January 2026','{}','sent',1,'dunning/9/1/warning','33.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,33,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z',NULL,'2026-01-20T06:30:00Z');
INSERT INTO "emails" VALUES(34,6,NULL,'warning','warning','en','fern@clients.example','Notice: your access will be suspended on 24 January 2026','{}','sent',1,'dunning/7/1/warning','34.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,33,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z',NULL,'2026-01-20T06:30:00Z');
INSERT INTO "emails" VALUES(35,7,NULL,'warning','warning','en','grove@clients.example','Notice: your access will be suspended on 24 January 2026','{}','sent',1,'dunning/8/1/warning','35.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,33,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z',NULL,'2026-01-20T06:30:00Z');
INSERT INTO "emails" VALUES(36,9,NULL,'warning','warning','en','iris@clients.example','Final reminder: invoice INV-2026-000010 is unpaid','{}','sent',1,'dunning/10/1/warning','36.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,33,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z',NULL,'2026-01-20T06:30:00Z');
INSERT INTO "emails" VALUES(37,4,NULL,'urgent','urgent','en','dune@clients.example','Overdue: invoice INV-2026-000015 is still unpaid','{}','sent',1,'dunning/24/1/urgent','37.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,33,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z',NULL,'2026-01-20T06:30:00Z');
INSERT INTO "emails" VALUES(38,1,NULL,'warning','warning','en','acme@clients.example','Notice: your access will be suspended on 23 January 2026','{}','sent',1,'dunning/21/1/warning','38.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,36,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z',NULL,'2026-01-21T06:30:00Z');
INSERT INTO "emails" VALUES(39,2,NULL,'warning','warning','en','birch@clients.example','Notice: your access will be suspended on 24 January 2026','{}','sent',1,'dunning/22/1/warning','39.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,36,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z',NULL,'2026-01-21T06:30:00Z');
INSERT INTO "emails" VALUES(40,10,NULL,'warning','warning','en','jade@clients.example','Notice: your access will be suspended on 25 January 2026','{}','sent',1,'dunning/11/1/warning','40.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,36,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z',NULL,'2026-01-21T06:30:00Z');
INSERT INTO "emails" VALUES(41,4,NULL,'warning','warning','en','dune@clients.example','Notice: your access will be suspended on 26 January 2026','{}','sent',1,'dunning/24/1/warning','41.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,39,'2026-01-22T06:30:00Z','2026-01-22T06:30:00Z',NULL,'2026-01-22T06:30:00Z');
INSERT INTO "emails" VALUES(42,8,NULL,'warning','warning','en','heath@clients.example','Notice: your access will be suspended on 25 January 2026','{}','sent',1,'dunning/3/1/warning/again/30','42.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-22T08:30:00Z','2026-01-24T06:30:00Z',NULL,'2026-01-24T06:30:00Z');
INSERT INTO "emails" VALUES(43,1,NULL,'suspension','suspension','en','acme@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/1/1/suspension','43.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,42,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z',NULL,'2026-01-24T06:30:00Z');
INSERT INTO "emails" VALUES(44,2,NULL,'suspension','suspension','en','birch@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/9/1/suspension','44.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,42,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z',NULL,'2026-01-24T06:30:00Z');
INSERT INTO "emails" VALUES(45,7,NULL,'suspension','suspension','en','grove@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/8/1/suspension','45.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,42,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z',NULL,'2026-01-24T06:30:00Z');
INSERT INTO "emails" VALUES(46,4,NULL,'warning','warning','en','dune@clients.example','Notice: your access will be suspended on 26 January 2026','{}','sent',1,'dunning/5/3/warning','46.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,42,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z',NULL,'2026-01-24T06:30:00Z');
INSERT INTO "emails" VALUES(47,8,NULL,'suspension','suspension','en','heath@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/3/1/suspension','47.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,45,'2026-01-25T06:30:00Z','2026-01-25T06:30:00Z',NULL,'2026-01-25T06:30:00Z');
INSERT INTO "emails" VALUES(48,10,NULL,'suspension','suspension','en','jade@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/11/1/suspension','48.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,45,'2026-01-25T06:30:00Z','2026-01-25T06:30:00Z',NULL,'2026-01-25T06:30:00Z');
INSERT INTO "emails" VALUES(49,4,NULL,'suspension','suspension','en','dune@clients.example','Your access to the service has been suspended','{}','sent',1,'dunning/24/1/suspension','49.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,48,'2026-01-26T06:30:00Z','2026-01-26T06:30:00Z',NULL,'2026-01-26T06:30:00Z');
INSERT INTO "emails" VALUES(50,2,9,'payment_received',NULL,'en','birch@clients.example','Payment received: €23.60 for invoice INV-2026-000009','{"transaction":8}','sent',1,'payment/8','50.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-27T19:45:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(51,6,7,'payment_received',NULL,'en','fern@clients.example','Payment received: €6.20 for invoice INV-2026-000007','{"transaction":9}','sent',1,'payment/9','51.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-29T06:30:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(52,4,NULL,'reactivation',NULL,'en','dune@clients.example','Your access to the service has been restored','{"by_hand":true,"promised_until":null}','sent',1,'reactivation/4/2026-01-26T06:30:00Z/2026-01-30T06:30:00Z','52.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-01-30T06:30:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(53,10,NULL,'reactivation',NULL,'en','jade@clients.example','Your access to the service has been restored','{"by_hand":true,"promised_until":null}','sent',1,'reactivation/10/2026-01-29T06:30:00Z/2026-02-01T06:30:00Z','53.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,NULL,'2026-02-01T06:30:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(54,10,26,'invoice',NULL,'en','jade@clients.example','Your invoice INV-2026-000017: €35.40','{}','sent',1,'invoice/26','54.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,52,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(55,4,NULL,'warning','warning','en','dune@clients.example','Notice: your access will be suspended on 5 February 2026','{}','sent',1,'dunning/5/4/warning','55.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,54,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z',NULL,'2026-02-02T06:30:00Z');
INSERT INTO "emails" VALUES(56,10,NULL,'warning','warning','en','jade@clients.example','Notice: your access will be suspended on 7 February 2026','{}','sent',1,'dunning/11/2/warning','56.c0e46f23-8ac4-447a-ab32-7493b7dfe8b7@localhost.localdomain',NULL,60,'2026-02-04T06:30:00Z','2026-02-04T06:30:00Z',NULL,'2026-02-04T06:30:00Z');
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  tenant_id INTEGER,
  invoice_id INTEGER,
  actor TEXT NOT NULL,
  reason TEXT,
  data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data))
) STRICT;
INSERT INTO "events" VALUES(1,'2026-01-02T06:30:00Z','tenant_created',1,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(2,'2026-01-02T06:30:00Z','tenant_created',2,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(3,'2026-01-02T06:30:00Z','tenant_created',3,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(4,'2026-01-02T06:30:00Z','tenant_created',4,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(5,'2026-01-02T06:30:00Z','tenant_created',5,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(6,'2026-01-02T06:30:00Z','tenant_created',6,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(7,'2026-01-02T06:30:00Z','tenant_created',7,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(8,'2026-01-02T06:30:00Z','tenant_created',8,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(9,'2026-01-02T06:30:00Z','tenant_created',9,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(10,'2026-01-02T06:30:00Z','tenant_created',10,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(11,'2026-01-03T06:30:00Z','invoice_issued',1,1,'operator:awa',NULL,'{"total":"118.00","currency":"EUR","issued_on":"2026-01-03","due_on":"2026-01-13","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(12,'2026-01-03T06:30:00Z','invoice_issued',1,2,'operator:awa',NULL,'{"total":"59.00","currency":"EUR","issued_on":"2026-01-03","due_on":"2026-01-13","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(13,'2026-01-03T06:30:00Z','invoice_issued',8,3,'operator:awa',NULL,'{"total":"94.40","currency":"EUR","issued_on":"2026-01-03","due_on":"2026-01-13","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(14,'2026-01-03T06:30:00Z','invoice_issued',3,4,'operator:awa',NULL,'{"total":"70.80","currency":"EUR","issued_on":"2026-01-03","due_on":"2026-01-13","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(15,'2026-01-03T06:30:00Z','invoice_issued',4,5,'operator:awa',NULL,'{"total":"82.60","currency":"EUR","issued_on":"2026-01-03","due_on":"2026-01-13","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(16,'2026-01-04T06:30:00Z','invoice_issued',5,6,'operator:awa',NULL,'{"total":"47.20","currency":"EUR","issued_on":"2026-01-04","due_on":"2026-01-14","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(17,'2026-01-04T06:30:00Z','invoice_issued',6,7,'operator:awa',NULL,'{"total":"106.20","currency":"EUR","issued_on":"2026-01-04","due_on":"2026-01-14","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(18,'2026-01-04T06:30:00Z','invoice_issued',7,8,'operator:awa',NULL,'{"total":"35.40","currency":"EUR","issued_on":"2026-01-04","due_on":"2026-01-14","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(19,'2026-01-04T06:30:00Z','invoice_issued',2,9,'operator:awa',NULL,'{"total":"23.60","currency":"EUR","issued_on":"2026-01-04","due_on":"2026-01-14","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(20,'2026-01-04T06:30:00Z','invoice_issued',9,10,'operator:awa',NULL,'{"total":"23.60","currency":"EUR","issued_on":"2026-01-04","due_on":"2026-01-14","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(21,'2026-01-05T06:30:00Z','invoice_issued',10,11,'operator:awa',NULL,'{"total":"29.50","currency":"EUR","issued_on":"2026-01-05","due_on":"2026-01-15","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(22,'2026-01-05T06:30:00Z','payment_recorded',1,1,'operator:awa',NULL,'{"transaction":"txn_1","amount":"18.00","applied":"18.00","remaining":"100.00","currency":"EUR","paid_on":"2026-01-05","method":"cash","reference":null}');
INSERT INTO "events" VALUES(23,'2026-01-05T20:40:00Z','payment_recorded',1,2,'operator:awa',NULL,'{"transaction":"txn_2","amount":"59.00","applied":"59.00","remaining":"0.00","currency":"EUR","paid_on":"2026-01-04","method":null,"reference":"BANK 1"}');
INSERT INTO "events" VALUES(24,'2026-01-06T06:30:00Z','invoice_voided',5,6,'operator:awa','a mistake','{}');
INSERT INTO "events" VALUES(25,'2026-01-07T06:30:00Z','payment_recorded',7,8,'operator:awa',NULL,'{"transaction":"txn_3","amount":"35.40","applied":"35.40","remaining":"0.00","currency":"EUR","paid_on":"2026-01-07","method":null,"reference":null}');
INSERT INTO "events" VALUES(26,'2026-01-08T06:30:00Z','invoice_imported',1,12,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(27,'2026-01-08T06:30:00Z','invoice_imported',1,13,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(28,'2026-01-08T06:30:00Z','invoice_imported',5,14,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(29,'2026-01-08T06:30:00Z','invoice_imported',5,15,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(30,'2026-01-08T06:30:00Z','invoice_imported',3,16,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(31,'2026-01-08T06:30:00Z','invoice_imported',3,17,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(32,'2026-01-08T06:30:00Z','invoice_imported',3,18,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(33,'2026-01-08T06:30:00Z','invoice_imported',3,19,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(34,'2026-01-08T06:30:00Z','invoice_imported',3,20,'import:invoices',NULL,'{}');
INSERT INTO "events" VALUES(35,'2026-01-09T06:30:00Z','invoice_corrected',5,15,'import:invoices',NULL,'{"changed":["total","issued_on","due_on"]}');
INSERT INTO "events" VALUES(36,'2026-01-09T18:20:00Z','payment_recorded',5,15,'import:payments',NULL,'{"transaction":"txn_4","amount":"60.00","applied":"54.00","remaining":"0.00","currency":"EUR","paid_on":"2026-01-05","method":null,"reference":"BANK 2"}');
INSERT INTO "events" VALUES(37,'2026-01-09T18:20:00Z','payment_recorded',1,1,'import:payments',NULL,'{"transaction":"txn_5","amount":"10.00","applied":"10.00","remaining":"90.00","currency":"EUR","paid_on":"2026-01-06","method":null,"reference":"BANK 3"}');
INSERT INTO "events" VALUES(38,'2026-01-09T18:20:00Z','payment_recorded',1,2,'import:payments',NULL,'{"transaction":"txn_6","amount":"12.00","applied":"0.00","remaining":"0.00","currency":"EUR","paid_on":"2026-01-08","method":null,"reference":"BANK 4"}');
INSERT INTO "events" VALUES(39,'2026-01-12T06:30:00Z','invoice_written_off',3,16,'operator:awa','gone','{}');
INSERT INTO "events" VALUES(40,'2026-01-12T06:30:00Z','invoice_written_off',3,17,'operator:awa','gone','{}');
INSERT INTO "events" VALUES(41,'2026-01-12T06:30:00Z','invoice_written_off',3,18,'operator:awa','gone','{}');
INSERT INTO "events" VALUES(42,'2026-01-12T06:30:00Z','invoice_written_off',3,19,'operator:awa','gone','{}');
INSERT INTO "events" VALUES(43,'2026-01-09T06:30:00Z','tenant_created',11,NULL,'import:tenants',NULL,'{"imported":true}');
INSERT INTO "events" VALUES(44,'2026-01-09T12:30:00Z','tenant_closed',11,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(45,'2026-01-10T06:30:00Z','tenant_edited',11,NULL,'import:tenants',NULL,'{"imported":true,"changed":["status"]}');
INSERT INTO "events" VALUES(46,'2026-01-05T06:30:00Z','plan_created',NULL,NULL,'operator:awa',NULL,'{"plan":"basic","price":"30.00"}');
INSERT INTO "events" VALUES(47,'2026-01-05T06:30:00Z','plan_created',NULL,NULL,'operator:awa',NULL,'{"plan":"pro","price":"99.00"}');
INSERT INTO "events" VALUES(48,'2026-01-05T06:30:00Z','subscription_created',1,NULL,'operator:awa','2 × basic','{"subscription":"sub_1","status":"active","terms":{"plan":"basic","quantity":2,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":"2025-12-31","trial_ends_on":null,"ends_on":null}');
INSERT INTO "events" VALUES(49,'2026-01-05T06:30:00Z','invoice_issued',1,21,'operator:awa',NULL,'{"total":"70.80","currency":"EUR","issued_on":"2026-01-05","due_on":"2026-01-15","subscription":"sub_1","period_start":"2025-12-31","period_end":"2026-01-31"}');
INSERT INTO "events" VALUES(50,'2026-01-05T06:30:00Z','subscription_created',1,NULL,'operator:awa','1 × pro, on trial until 2026-01-09','{"subscription":"sub_2","status":"trialing","terms":{"plan":"pro","quantity":1,"price":"99.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":"2026-01-09","ends_on":null}');
INSERT INTO "events" VALUES(51,'2026-01-05T06:30:00Z','subscription_created',2,NULL,'operator:awa','1 × basic','{"subscription":"sub_3","status":"active","terms":{"plan":"basic","quantity":1,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":"2026-01-05","trial_ends_on":null,"ends_on":null}');
INSERT INTO "events" VALUES(52,'2026-01-05T06:30:00Z','invoice_issued',2,22,'operator:awa',NULL,'{"total":"30.83","currency":"EUR","issued_on":"2026-01-05","due_on":"2026-01-15","subscription":"sub_3","period_start":"2026-01-05","period_end":"2026-02-01"}');
INSERT INTO "events" VALUES(53,'2026-01-05T06:30:00Z','subscription_created',3,NULL,'operator:awa','1 × pro, on trial until 2026-03-05','{"subscription":"sub_4","status":"trialing","terms":{"plan":"pro","quantity":1,"price":"99.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":"2026-03-05","ends_on":null}');
INSERT INTO "events" VALUES(54,'2026-01-05T06:30:00Z','subscription_created',10,NULL,'operator:awa','1 × basic','{"subscription":"sub_5","status":"active","terms":{"plan":"basic","quantity":1,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":"2026-01-05","trial_ends_on":null,"ends_on":null}');
INSERT INTO "events" VALUES(55,'2026-01-05T06:30:00Z','invoice_issued',10,23,'operator:awa',NULL,'{"total":"30.83","currency":"EUR","issued_on":"2026-01-05","due_on":"2026-01-15","subscription":"sub_5","period_start":"2026-01-05","period_end":"2026-02-01"}');
INSERT INTO "events" VALUES(56,'2026-01-05T06:30:00Z','subscription_created',9,NULL,'operator:awa','1 × pro, on trial until 2026-01-09','{"subscription":"sub_6","status":"trialing","terms":{"plan":"pro","quantity":1,"price":"99.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":"2026-01-09","ends_on":null}');
INSERT INTO "events" VALUES(57,'2026-01-05T06:30:00Z','payment_method_created',1,NULL,'operator:awa',NULL,'{"payment_method":"pm_1","kind":"card","default":true}');
INSERT INTO "events" VALUES(58,'2026-01-05T06:30:00Z','subscription_created',7,NULL,'import:subscriptions',NULL,'{"subscription":"sub_7","status":"active","terms":{"plan":"basic","quantity":3,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":"2026-02-01","trial_ends_on":null,"ends_on":null,"imported":true}');
INSERT INTO "events" VALUES(59,'2026-01-05T06:30:00Z','subscription_created',5,NULL,'import:subscriptions',NULL,'{"subscription":"sub_8","status":"canceled","terms":{"plan":"basic","quantity":1,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":null,"ends_on":"2026-01-05","imported":true}');
INSERT INTO "events" VALUES(60,'2026-01-06T06:30:00Z','coupon_created',NULL,NULL,'operator:awa','TEN','{"code":"TEN","name":"Ten","description":null,"discount":"10 %","discount_type":"percentage","discount_value":"10","currency":null,"status":"active","is_active":true,"valid_from":"2025-12-31T18:30:00Z","valid_to":"2026-12-31T18:29:59Z","max_uses":0,"max_uses_per_customer":1,"current_uses":0,"remaining":null,"applicable_plans":[],"customer_eligibility":"all","minimum_purchase_amount":null,"first_payment_only":false,"duration":"forever","created_at":"2026-01-06T06:30:00Z","updated_at":"2026-01-06T06:30:00Z"}');
INSERT INTO "events" VALUES(61,'2026-01-06T06:30:00Z','coupon_created',NULL,NULL,'operator:awa','FIVE','{"code":"FIVE","name":"Five","description":null,"discount":"5.00 EUR","discount_type":"fixed_amount","discount_value":"5.00","currency":"EUR","status":"active","is_active":true,"valid_from":"2025-12-31T18:30:00Z","valid_to":"2026-12-31T18:29:59Z","max_uses":3,"max_uses_per_customer":1,"current_uses":0,"remaining":3,"applicable_plans":[],"customer_eligibility":"all","minimum_purchase_amount":null,"first_payment_only":false,"duration":"once","created_at":"2026-01-06T06:30:00Z","updated_at":"2026-01-06T06:30:00Z"}');
INSERT INTO "events" VALUES(62,'2026-01-06T06:30:00Z','coupon_created',NULL,NULL,'operator:awa','ALL','{"code":"ALL","name":"All","description":null,"discount":"100 %","discount_type":"percentage","discount_value":"100","currency":null,"status":"active","is_active":true,"valid_from":"2025-12-31T18:30:00Z","valid_to":"2026-12-31T18:29:59Z","max_uses":0,"max_uses_per_customer":1,"current_uses":0,"remaining":null,"applicable_plans":["basic"],"customer_eligibility":"all","minimum_purchase_amount":null,"first_payment_only":false,"duration":"once","created_at":"2026-01-06T06:30:00Z","updated_at":"2026-01-06T06:30:00Z"}');
INSERT INTO "events" VALUES(63,'2026-01-06T06:30:00Z','coupon_redeemed',1,NULL,'operator:awa','TEN: 10 % off, for sub_1','{"coupon":"TEN","redemption":"red_1","subscription":"sub_1","discount":"10 %","periods":null,"metadata":{}}');
INSERT INTO "events" VALUES(64,'2026-01-06T06:30:00Z','coupon_redeemed',4,NULL,'operator:awa','FIVE: 5.00 EUR off','{"coupon":"FIVE","redemption":"red_2","subscription":null,"discount":"5.00 EUR","periods":0,"metadata":{}}');
INSERT INTO "events" VALUES(65,'2026-01-06T06:30:00Z','invoice_issued',4,24,'operator:awa','FIVE: 5.00 EUR off','{"total":"47.20","currency":"EUR","issued_on":"2026-01-06","due_on":"2026-01-16","subscription":null,"period_start":null,"period_end":null,"coupon":"FIVE","discount":"5.00"}');
INSERT INTO "events" VALUES(66,'2026-01-06T06:30:00Z','invoice_issued',2,25,'operator:awa',NULL,'{"total":"17.70","currency":"EUR","issued_on":"2026-01-06","due_on":"2026-01-16","subscription":null,"period_start":null,"period_end":null}');
INSERT INTO "events" VALUES(67,'2026-01-06T06:30:00Z','coupon_redeemed',2,25,'operator:awa','FIVE: 5.00 EUR off','{"coupon":"FIVE","redemption":"red_3","subscription":null,"discount":"5.00 EUR","periods":0,"metadata":{"campaign":"spring"}}');
INSERT INTO "events" VALUES(68,'2026-01-06T06:30:00Z','coupon_applied',2,25,'operator:awa','FIVE: 11.80 EUR instead of 17.70 EUR','{"coupon":"FIVE","usage":"use_2","discount":"5.00","tax":"1.80","total":"11.80","total_before":"17.70","currency":"EUR"}');
INSERT INTO "events" VALUES(69,'2026-01-07T06:30:00Z','invoice_voided',2,25,'operator:awa','wrong','{}');
INSERT INTO "events" VALUES(70,'2026-01-07T06:30:00Z','coupon_usage_returned',2,25,'operator:awa','FIVE','{"coupon":"FIVE","redemption":"red_3"}');
INSERT INTO "events" VALUES(71,'2026-01-07T06:30:00Z','coupon_use_returned',2,NULL,'operator:awa','FIVE: no invoice has its discount, and none can follow','{"coupon":"FIVE","redemption":"red_3","subscription":null,"discount":"5.00 EUR","periods":0,"metadata":{}}');
INSERT INTO "events" VALUES(72,'2026-01-07T06:30:00Z','payment_recorded',4,24,'operator:awa',NULL,'{"transaction":"txn_7","amount":"20.00","applied":"20.00","remaining":"27.20","currency":"EUR","paid_on":"2026-01-07","method":null,"reference":null}');
INSERT INTO "events" VALUES(73,'2026-01-10T06:30:00Z','email_sent',1,2,'task:deliver-emails',NULL,'{"email":"eml_1","template":"invoice","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(74,'2026-01-10T06:30:00Z','email_sent',1,1,'task:deliver-emails',NULL,'{"email":"eml_2","template":"payment_received","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(75,'2026-01-10T06:30:00Z','email_sent',1,21,'task:deliver-emails',NULL,'{"email":"eml_5","template":"invoice","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(76,'2026-01-10T06:30:00Z','email_sent',2,22,'task:deliver-emails',NULL,'{"email":"eml_6","template":"invoice","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(77,'2026-01-10T06:30:00Z','email_sent',10,23,'task:deliver-emails',NULL,'{"email":"eml_7","template":"invoice","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(78,'2026-01-10T06:30:00Z','email_sent',1,2,'task:deliver-emails',NULL,'{"email":"eml_3","template":"payment_received","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(79,'2026-01-10T06:30:00Z','email_sent',7,8,'task:deliver-emails',NULL,'{"email":"eml_4","template":"payment_received","to":"grove@clients.example"}');
INSERT INTO "events" VALUES(80,'2026-01-10T06:30:00Z','email_sent',4,24,'task:deliver-emails',NULL,'{"email":"eml_8","template":"payment_received","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(81,'2026-01-10T06:30:00Z','subscription_suspended',1,NULL,'task:cleanup-expired-trials','the trial of Pro ended on 2026-01-09','{"subscription":"sub_2","status":"suspended","terms":{"plan":"pro","quantity":1,"price":"99.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":"2026-01-09","ends_on":null,"cause":"trial"}');
INSERT INTO "events" VALUES(82,'2026-01-10T06:30:00Z','subscription_suspended',9,NULL,'task:cleanup-expired-trials','the trial of Pro ended on 2026-01-09','{"subscription":"sub_6","status":"suspended","terms":{"plan":"pro","quantity":1,"price":"99.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":"2026-01-09","ends_on":null,"cause":"trial"}');
INSERT INTO "events" VALUES(83,'2026-01-10T06:30:00Z','tenant_suspended',9,NULL,'task:cleanup-expired-trials','the trial of Pro ended on 2026-01-09','{"cause":"trial"}');
INSERT INTO "events" VALUES(84,'2026-01-10T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_9","template":"trial_ended","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(85,'2026-01-10T06:30:00Z','email_sent',9,NULL,'task:deliver-emails',NULL,'{"email":"eml_10","template":"trial_ended","to":"iris@clients.example"}');
INSERT INTO "events" VALUES(86,'2026-01-15T06:30:00Z','dunning_stage_recorded',1,1,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_18"}');
INSERT INTO "events" VALUES(87,'2026-01-15T06:30:00Z','dunning_stage_recorded',3,4,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_18"}');
INSERT INTO "events" VALUES(88,'2026-01-15T06:30:00Z','dunning_stage_recorded',4,5,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_18"}');
INSERT INTO "events" VALUES(89,'2026-01-15T06:30:00Z','dunning_stage_recorded',8,3,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_18"}');
INSERT INTO "events" VALUES(90,'2026-01-15T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_11","template":"friendly","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(91,'2026-01-15T06:30:00Z','email_sent',3,NULL,'task:deliver-emails',NULL,'{"email":"eml_12","template":"friendly","to":"cedar@clients.example"}');
INSERT INTO "events" VALUES(92,'2026-01-15T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_13","template":"friendly","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(93,'2026-01-15T06:30:00Z','email_sent',8,NULL,'task:deliver-emails',NULL,'{"email":"eml_14","template":"friendly","to":"heath@clients.example"}');
INSERT INTO "events" VALUES(94,'2026-01-16T06:30:00Z','dunning_stage_recorded',2,9,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_21"}');
INSERT INTO "events" VALUES(95,'2026-01-16T06:30:00Z','dunning_stage_recorded',6,7,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_21"}');
INSERT INTO "events" VALUES(96,'2026-01-16T06:30:00Z','dunning_stage_recorded',9,10,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_21"}');
INSERT INTO "events" VALUES(97,'2026-01-16T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_15","template":"friendly","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(98,'2026-01-16T06:30:00Z','email_sent',6,NULL,'task:deliver-emails',NULL,'{"email":"eml_16","template":"friendly","to":"fern@clients.example"}');
INSERT INTO "events" VALUES(99,'2026-01-16T06:30:00Z','email_sent',9,NULL,'task:deliver-emails',NULL,'{"email":"eml_17","template":"friendly","to":"iris@clients.example"}');
INSERT INTO "events" VALUES(100,'2026-01-17T06:30:00Z','dunning_stage_recorded',1,1,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_24"}');
INSERT INTO "events" VALUES(101,'2026-01-17T06:30:00Z','dunning_stage_recorded',1,21,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_24"}');
INSERT INTO "events" VALUES(102,'2026-01-17T06:30:00Z','dunning_stage_recorded',3,4,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_24"}');
INSERT INTO "events" VALUES(103,'2026-01-17T06:30:00Z','dunning_stage_recorded',4,5,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_24"}');
INSERT INTO "events" VALUES(104,'2026-01-17T06:30:00Z','dunning_stage_recorded',8,3,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_24"}');
INSERT INTO "events" VALUES(105,'2026-01-17T06:30:00Z','dunning_stage_recorded',2,22,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_24"}');
INSERT INTO "events" VALUES(106,'2026-01-17T06:30:00Z','dunning_stage_recorded',10,11,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_24"}');
INSERT INTO "events" VALUES(107,'2026-01-17T06:30:00Z','dunning_stage_recorded',10,23,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_24"}');
INSERT INTO "events" VALUES(108,'2026-01-17T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_18","template":"urgent","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(109,'2026-01-17T06:30:00Z','email_sent',3,NULL,'task:deliver-emails',NULL,'{"email":"eml_19","template":"urgent","to":"cedar@clients.example"}');
INSERT INTO "events" VALUES(110,'2026-01-17T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_20","template":"urgent","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(111,'2026-01-17T06:30:00Z','email_sent',8,NULL,'task:deliver-emails',NULL,'{"email":"eml_21","template":"urgent","to":"heath@clients.example"}');
INSERT INTO "events" VALUES(112,'2026-01-17T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_22","template":"friendly","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(113,'2026-01-17T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_23","template":"friendly","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(114,'2026-01-18T06:30:00Z','payment_reversed',7,8,'operator:awa','no funds','{"transaction":"txn_3","amount":"35.40","currency":"EUR"}');
INSERT INTO "events" VALUES(115,'2026-01-18T06:30:00Z','promise_recorded',3,4,'operator:awa','by phone','{"until":"2026-02-10"}');
INSERT INTO "events" VALUES(116,'2026-01-18T06:30:00Z','dispute_opened',4,5,'operator:awa','not as ordered','{}');
INSERT INTO "events" VALUES(117,'2026-01-19T06:30:00Z','invoice_corrected',3,16,'import:invoices',NULL,'{"changed":["status"]}');
INSERT INTO "events" VALUES(118,'2026-01-19T06:30:00Z','invoice_corrected',3,17,'import:invoices',NULL,'{"changed":["total"]}');
INSERT INTO "events" VALUES(119,'2026-01-19T06:30:00Z','invoice_corrected',3,18,'import:invoices',NULL,'{"changed":["total"]}');
INSERT INTO "events" VALUES(120,'2026-01-19T06:30:00Z','invoice_corrected',3,19,'import:invoices',NULL,'{"changed":["total"]}');
INSERT INTO "events" VALUES(121,'2026-01-19T06:30:00Z','invoice_corrected',3,20,'import:invoices',NULL,'{"changed":["total","status","paid_on"]}');
INSERT INTO "events" VALUES(122,'2026-01-18T06:30:00Z','dunning_stage_recorded',2,9,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_27"}');
INSERT INTO "events" VALUES(123,'2026-01-18T06:30:00Z','dunning_stage_recorded',6,7,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_27"}');
INSERT INTO "events" VALUES(124,'2026-01-18T06:30:00Z','dunning_stage_recorded',9,10,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_27"}');
INSERT INTO "events" VALUES(125,'2026-01-18T06:30:00Z','dunning_stage_recorded',7,8,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_27"}');
INSERT INTO "events" VALUES(126,'2026-01-18T06:30:00Z','dunning_stage_recorded',4,24,'task:check-overdue','friendly: 2 days overdue','{"stage":"friendly","days_overdue":2,"run":"run_27"}');
INSERT INTO "events" VALUES(127,'2026-01-18T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_24","template":"urgent","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(128,'2026-01-18T06:30:00Z','email_sent',6,NULL,'task:deliver-emails',NULL,'{"email":"eml_25","template":"urgent","to":"fern@clients.example"}');
INSERT INTO "events" VALUES(129,'2026-01-18T06:30:00Z','email_sent',9,NULL,'task:deliver-emails',NULL,'{"email":"eml_26","template":"urgent","to":"iris@clients.example"}');
INSERT INTO "events" VALUES(130,'2026-01-18T06:30:00Z','email_sent',7,NULL,'task:deliver-emails',NULL,'{"email":"eml_27","template":"urgent","to":"grove@clients.example"}');
INSERT INTO "events" VALUES(131,'2026-01-18T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_28","template":"friendly","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(132,'2026-01-19T06:30:00Z','dunning_stage_recorded',1,1,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_30"}');
INSERT INTO "events" VALUES(133,'2026-01-19T06:30:00Z','dunning_stage_recorded',1,21,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_30"}');
INSERT INTO "events" VALUES(134,'2026-01-19T06:30:00Z','dunning_stage_recorded',8,3,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_30"}');
INSERT INTO "events" VALUES(135,'2026-01-19T06:30:00Z','dunning_stage_recorded',2,22,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_30"}');
INSERT INTO "events" VALUES(136,'2026-01-19T06:30:00Z','dunning_stage_recorded',10,11,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_30"}');
INSERT INTO "events" VALUES(137,'2026-01-19T06:30:00Z','dunning_stage_recorded',10,23,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_30"}');
INSERT INTO "events" VALUES(138,'2026-01-19T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_29","template":"warning","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(139,'2026-01-19T06:30:00Z','email_sent',8,NULL,'task:deliver-emails',NULL,'{"email":"eml_30","template":"warning","to":"heath@clients.example"}');
INSERT INTO "events" VALUES(140,'2026-01-19T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_31","template":"urgent","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(141,'2026-01-19T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_32","template":"urgent","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(142,'2026-01-20T06:30:00Z','dunning_stage_recorded',2,9,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_33"}');
INSERT INTO "events" VALUES(143,'2026-01-20T06:30:00Z','dunning_stage_recorded',6,7,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_33"}');
INSERT INTO "events" VALUES(144,'2026-01-20T06:30:00Z','dunning_stage_recorded',7,8,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_33"}');
INSERT INTO "events" VALUES(145,'2026-01-20T06:30:00Z','dunning_stage_recorded',9,10,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_33"}');
INSERT INTO "events" VALUES(146,'2026-01-20T06:30:00Z','dunning_stage_recorded',4,24,'task:check-overdue','urgent: 4 days overdue','{"stage":"urgent","days_overdue":4,"run":"run_33"}');
INSERT INTO "events" VALUES(147,'2026-01-20T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_33","template":"warning","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(148,'2026-01-20T06:30:00Z','email_sent',6,NULL,'task:deliver-emails',NULL,'{"email":"eml_34","template":"warning","to":"fern@clients.example"}');
INSERT INTO "events" VALUES(149,'2026-01-20T06:30:00Z','email_sent',7,NULL,'task:deliver-emails',NULL,'{"email":"eml_35","template":"warning","to":"grove@clients.example"}');
INSERT INTO "events" VALUES(150,'2026-01-20T06:30:00Z','email_sent',9,NULL,'task:deliver-emails',NULL,'{"email":"eml_36","template":"warning","to":"iris@clients.example"}');
INSERT INTO "events" VALUES(151,'2026-01-20T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_37","template":"urgent","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(152,'2026-01-21T06:30:00Z','dunning_stage_recorded',1,21,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_36"}');
INSERT INTO "events" VALUES(153,'2026-01-21T06:30:00Z','dunning_stage_recorded',2,22,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_36"}');
INSERT INTO "events" VALUES(154,'2026-01-21T06:30:00Z','dunning_stage_recorded',10,11,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_36"}');
INSERT INTO "events" VALUES(155,'2026-01-21T06:30:00Z','dunning_stage_recorded',10,23,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_36"}');
INSERT INTO "events" VALUES(156,'2026-01-21T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_38","template":"warning","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(157,'2026-01-21T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_39","template":"warning","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(158,'2026-01-21T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_40","template":"warning","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(159,'2026-01-22T06:30:00Z','dunning_stage_recorded',4,24,'task:check-overdue','warning: 6 days overdue','{"stage":"warning","days_overdue":6,"run":"run_39"}');
INSERT INTO "events" VALUES(160,'2026-01-22T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_41","template":"warning","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(161,'2026-01-22T08:30:00Z','email_resent',8,NULL,'operator:awa',NULL,'{"email":"eml_30","as":"eml_42"}');
INSERT INTO "events" VALUES(162,'2026-01-23T06:30:00Z','invoice_written_off',6,7,'operator:awa','gone','{}');
INSERT INTO "events" VALUES(163,'2026-01-24T06:30:00Z','dispute_resolved',4,5,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(164,'2026-01-24T06:30:00Z','invoice_written_off',3,18,'operator:awa','gone after all','{}');
INSERT INTO "events" VALUES(165,'2026-01-24T06:30:00Z','payment_reversed',1,2,'operator:awa','not ours','{"transaction":"txn_6","amount":"12.00","currency":"EUR"}');
INSERT INTO "events" VALUES(166,'2026-01-24T06:30:00Z','email_sent',8,NULL,'task:deliver-emails',NULL,'{"email":"eml_42","template":"warning","to":"heath@clients.example"}');
INSERT INTO "events" VALUES(167,'2026-01-24T06:30:00Z','dunning_stage_recorded',1,1,'task:check-overdue','suspension: 11 days overdue','{"stage":"suspension","days_overdue":11,"run":"run_42"}');
INSERT INTO "events" VALUES(168,'2026-01-24T06:30:00Z','tenant_suspended',1,1,'task:check-overdue','invoice INV-2026-000001 is 11 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(169,'2026-01-24T06:30:00Z','dunning_stage_recorded',2,9,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_42"}');
INSERT INTO "events" VALUES(170,'2026-01-24T06:30:00Z','tenant_suspended',2,9,'task:check-overdue','invoice INV-2026-000009 is 10 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(171,'2026-01-24T06:30:00Z','dunning_stage_recorded',7,8,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_42"}');
INSERT INTO "events" VALUES(172,'2026-01-24T06:30:00Z','tenant_suspended',7,8,'task:check-overdue','invoice INV-2026-000008 is 10 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(173,'2026-01-24T06:30:00Z','dunning_stage_recorded',9,10,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_42"}');
INSERT INTO "events" VALUES(174,'2026-01-24T06:30:00Z','dunning_stage_recorded',4,5,'task:check-overdue','warning: 11 days overdue','{"stage":"warning","days_overdue":11,"run":"run_42"}');
INSERT INTO "events" VALUES(175,'2026-01-24T06:30:00Z','email_sent',1,NULL,'task:deliver-emails',NULL,'{"email":"eml_43","template":"suspension","to":"acme@clients.example"}');
INSERT INTO "events" VALUES(176,'2026-01-24T06:30:00Z','email_sent',2,NULL,'task:deliver-emails',NULL,'{"email":"eml_44","template":"suspension","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(177,'2026-01-24T06:30:00Z','email_sent',7,NULL,'task:deliver-emails',NULL,'{"email":"eml_45","template":"suspension","to":"grove@clients.example"}');
INSERT INTO "events" VALUES(178,'2026-01-24T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_46","template":"warning","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(179,'2026-01-25T06:30:00Z','dunning_stage_recorded',8,3,'task:check-overdue','suspension: 12 days overdue','{"stage":"suspension","days_overdue":12,"run":"run_45"}');
INSERT INTO "events" VALUES(180,'2026-01-25T06:30:00Z','tenant_suspended',8,3,'task:check-overdue','invoice INV-2026-000003 is 12 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(181,'2026-01-25T06:30:00Z','dunning_stage_recorded',1,21,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_45"}');
INSERT INTO "events" VALUES(182,'2026-01-25T06:30:00Z','dunning_stage_recorded',2,22,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_45"}');
INSERT INTO "events" VALUES(183,'2026-01-25T06:30:00Z','dunning_stage_recorded',10,11,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_45"}');
INSERT INTO "events" VALUES(184,'2026-01-25T06:30:00Z','dunning_stage_recorded',10,23,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_45"}');
INSERT INTO "events" VALUES(185,'2026-01-25T06:30:00Z','tenant_suspended',10,11,'task:check-overdue','invoice INV-2026-000011 is 10 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(186,'2026-01-25T06:30:00Z','email_sent',8,NULL,'task:deliver-emails',NULL,'{"email":"eml_47","template":"suspension","to":"heath@clients.example"}');
INSERT INTO "events" VALUES(187,'2026-01-25T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_48","template":"suspension","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(188,'2026-01-26T06:30:00Z','dunning_stage_recorded',4,24,'task:check-overdue','suspension: 10 days overdue','{"stage":"suspension","days_overdue":10,"run":"run_48"}');
INSERT INTO "events" VALUES(189,'2026-01-26T06:30:00Z','tenant_suspended',4,24,'task:check-overdue','invoice INV-2026-000015 is 10 days overdue','{"cause":"overdue"}');
INSERT INTO "events" VALUES(190,'2026-01-26T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_49","template":"suspension","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(191,'2026-01-27T06:30:00Z','dunning_stage_recorded',4,5,'task:check-overdue','suspension: 14 days overdue','{"stage":"suspension","days_overdue":14,"run":"run_51"}');
INSERT INTO "events" VALUES(192,'2026-01-27T19:45:00Z','payment_recorded',2,9,'operator:awa',NULL,'{"transaction":"txn_8","amount":"23.60","applied":"23.60","remaining":"0.00","currency":"EUR","paid_on":"2026-01-26","method":null,"reference":null}');
INSERT INTO "events" VALUES(193,'2026-01-29T06:30:00Z','payment_recorded',6,7,'operator:awa',NULL,'{"transaction":"txn_9","amount":"6.20","applied":"6.20","remaining":"100.00","currency":"EUR","paid_on":"2026-01-29","method":null,"reference":null}');
INSERT INTO "events" VALUES(194,'2026-01-29T06:30:00Z','tenant_suspended',10,NULL,'operator:awa','a quarrel','{"cause":"manual"}');
INSERT INTO "events" VALUES(195,'2026-01-30T06:30:00Z','tenant_reactivated',4,NULL,'operator:awa',NULL,'{"by_hand":true,"promised_until":null}');
INSERT INTO "events" VALUES(196,'2026-01-30T06:30:00Z','tenant_edited',1,NULL,'operator:awa',NULL,'{"email":"books@acme.example"}');
INSERT INTO "events" VALUES(197,'2026-01-31T06:30:00Z','tenant_closed',9,NULL,'operator:awa',NULL,'{}');
INSERT INTO "events" VALUES(198,'2026-02-01T06:30:00Z','tenant_reactivated',10,NULL,'operator:awa',NULL,'{"by_hand":true,"promised_until":null}');
INSERT INTO "events" VALUES(199,'2026-02-01T06:30:00Z','subscription_returned',10,NULL,'operator:awa','a new period starts on 2026-02-01','{"subscription":"sub_5","status":"active","terms":{"plan":"basic","quantity":1,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":"2026-02-01","trial_ends_on":null,"ends_on":null}');
INSERT INTO "events" VALUES(200,'2026-02-02T06:30:00Z','invoice_issued',10,26,'task:generate-recurring-invoices',NULL,'{"total":"35.40","currency":"EUR","issued_on":"2026-02-02","due_on":"2026-02-12","subscription":"sub_5","period_start":"2026-02-01","period_end":"2026-03-01"}');
INSERT INTO "events" VALUES(201,'2026-02-02T06:30:00Z','email_sent',2,9,'task:deliver-emails',NULL,'{"email":"eml_50","template":"payment_received","to":"birch@clients.example"}');
INSERT INTO "events" VALUES(202,'2026-02-02T06:30:00Z','email_sent',6,7,'task:deliver-emails',NULL,'{"email":"eml_51","template":"payment_received","to":"fern@clients.example"}');
INSERT INTO "events" VALUES(203,'2026-02-02T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_52","template":"reactivation","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(204,'2026-02-02T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_53","template":"reactivation","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(205,'2026-02-02T06:30:00Z','email_sent',10,26,'task:deliver-emails',NULL,'{"email":"eml_54","template":"invoice","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(206,'2026-02-02T06:30:00Z','dunning_stage_recorded',4,5,'task:check-overdue','warning: 20 days overdue','{"stage":"warning","days_overdue":20,"run":"run_54"}');
INSERT INTO "events" VALUES(207,'2026-02-02T06:30:00Z','dunning_stage_recorded',4,24,'task:check-overdue','warning: 17 days overdue','{"stage":"warning","days_overdue":17,"run":"run_54"}');
INSERT INTO "events" VALUES(208,'2026-02-02T06:30:00Z','email_sent',4,NULL,'task:deliver-emails',NULL,'{"email":"eml_55","template":"warning","to":"dune@clients.example"}');
INSERT INTO "events" VALUES(209,'2026-02-04T06:30:00Z','dunning_stage_recorded',10,11,'task:check-overdue','warning: 20 days overdue','{"stage":"warning","days_overdue":20,"run":"run_60"}');
INSERT INTO "events" VALUES(210,'2026-02-04T06:30:00Z','dunning_stage_recorded',10,23,'task:check-overdue','warning: 20 days overdue','{"stage":"warning","days_overdue":20,"run":"run_60"}');
INSERT INTO "events" VALUES(211,'2026-02-04T06:30:00Z','email_sent',10,NULL,'task:deliver-emails',NULL,'{"email":"eml_56","template":"warning","to":"jade@clients.example"}');
INSERT INTO "events" VALUES(212,'2026-02-04T06:30:00Z','subscription_change_planned',1,NULL,'operator:awa','to 4 × basic','{"subscription":"sub_1","status":"suspended","terms":{"plan":"basic","quantity":2,"price":"30.00","currency":"EUR"},"pending":{"plan":"basic","quantity":4,"price":"30.00","currency":"EUR"},"next_billing_on":"2026-01-31","trial_ends_on":null,"ends_on":null}');
INSERT INTO "events" VALUES(213,'2026-02-04T06:30:00Z','subscription_canceled',7,NULL,'operator:awa','ended on 2026-02-04','{"subscription":"sub_7","status":"canceled","terms":{"plan":"basic","quantity":3,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":null,"ends_on":"2026-02-04"}');
INSERT INTO "events" VALUES(214,'2026-02-03T21:30:00Z','subscription_canceled',10,NULL,'operator:awa','ended on 2026-02-04','{"subscription":"sub_5","status":"canceled","terms":{"plan":"basic","quantity":1,"price":"30.00","currency":"EUR"},"pending":null,"next_billing_on":null,"trial_ends_on":null,"ends_on":"2026-02-04"}');
INSERT INTO "events" VALUES(215,'2026-02-05T06:30:00Z','plan_archived',NULL,NULL,'operator:awa',NULL,'{"plan":"pro"}');
CREATE TABLE invoice_lines (
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  position INTEGER NOT NULL CHECK (position >= 1),
  description TEXT NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity >= 1),
  unit_minor INTEGER,
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL DEFAULT 0 CHECK (discount_minor BETWEEN 0 AND amount_minor),
  period_start TEXT CHECK (date(period_start) IS period_start),
  period_end TEXT CHECK (date(period_end) IS period_end),
  PRIMARY KEY (invoice_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "invoice_lines" VALUES(1,1,'Acme',1,10000,10000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(2,1,'Acme',1,5000,5000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(3,1,'Heath',1,8000,8000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(4,1,'Cedar',1,6000,6000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(5,1,'Dune',1,7000,7000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(6,1,'Elm',1,4000,4000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(7,1,'Fern',1,9000,9000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(8,1,'Grove',1,3000,3000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(9,1,'Birch',1,2000,2000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(10,1,'Iris',1,2000,2000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(11,1,'Jade',1,2500,2500,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(12,1,'OLD-1',1,12000,12000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(13,1,'OLD-2',1,7500,7500,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(14,1,'OLD-3',1,6600,6600,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(15,1,'OLD-4',1,5400,5400,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(16,1,'OLD-5',1,4000,4000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(17,1,'OLD-6',1,4100,4100,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(18,1,'OLD-7',1,4200,4200,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(19,1,'OLD-8',1,4300,4300,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(20,1,'OLD-9',1,4400,4400,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(21,1,'Basic',2,3000,6000,0,'2025-12-31','2026-01-31');
INSERT INTO "invoice_lines" VALUES(22,1,'Basic (prorated: 27 of 31 days)',1,NULL,2613,0,'2026-01-05','2026-02-01');
INSERT INTO "invoice_lines" VALUES(23,1,'Basic (prorated: 27 of 31 days)',1,NULL,2613,0,'2026-01-05','2026-02-01');
INSERT INTO "invoice_lines" VALUES(24,1,'Dune',1,4500,4500,500,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(25,1,'Birch',1,1500,1500,500,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(26,1,'Basic',1,3000,3000,0,'2026-02-01','2026-03-01');
INSERT INTO "invoice_lines" VALUES(104,1,'Advice',1,2000,2000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(105,1,'Advice',1,2000,2000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(106,1,'Advice',1,2000,2000,0,NULL,NULL);
INSERT INTO "invoice_lines" VALUES(107,1,'Advice',1,2000,2000,0,NULL,NULL);
CREATE TABLE invoices (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
  series TEXT,
  sequence INTEGER,
  origin TEXT NOT NULL CHECK (origin IN ('issued', 'typed', 'imported')),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  subscription_id INTEGER,
  status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  subtotal_minor INTEGER NOT NULL CHECK (subtotal_minor BETWEEN 0 AND 1000000000000000),
  discount_minor INTEGER NOT NULL DEFAULT 0 CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
  tax_rate TEXT NOT NULL DEFAULT '0',
  tax_minor INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor BETWEEN 0 AND 1000000000000000),
  total_minor INTEGER NOT NULL,
  paid_minor INTEGER NOT NULL DEFAULT 0 CHECK (paid_minor BETWEEN 0 AND total_minor),
  paid_elsewhere_minor INTEGER NOT NULL DEFAULT 0
    CHECK (paid_elsewhere_minor BETWEEN 0 AND paid_minor),
  coupon_id INTEGER REFERENCES coupons (id),
  collection TEXT NOT NULL DEFAULT 'invoice' CHECK (collection IN ('automatic', 'invoice')),
  seller_id INTEGER NOT NULL REFERENCES parties (id),
  buyer_id INTEGER NOT NULL REFERENCES parties (id),
  issued_on TEXT NOT NULL CHECK (date(issued_on) IS issued_on),
  due_on TEXT NOT NULL CHECK (date(due_on) IS due_on),
  paid_on TEXT CHECK (date(paid_on) IS paid_on),
  period_start TEXT CHECK (date(period_start) IS period_start),
  period_end TEXT CHECK (date(period_end) IS period_end),
  closed_reason TEXT,
  closed_at TEXT,
  stage TEXT NOT NULL DEFAULT 'none'
    CHECK (stage IN ('none', 'friendly', 'urgent', 'warning', 'suspension')),
  dunning_round INTEGER NOT NULL DEFAULT 1,
  warned_on TEXT CHECK (date(warned_on) IS warned_on),
  warning_email_id INTEGER REFERENCES emails (id),
  set_back_on TEXT CHECK (date(set_back_on) IS set_back_on),
  promised_until TEXT CHECK (date(promised_until) IS promised_until),
  promise_note TEXT,
  disputed_at TEXT,
  dispute_note TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id),
  CHECK (total_minor = subtotal_minor - discount_minor + tax_minor),
  CHECK (issued_on <= due_on),
  CHECK ((series IS NULL) = (sequence IS NULL)),
  CHECK (origin <> 'issued' OR sequence IS NOT NULL),
  CHECK ((period_start IS NULL) = (period_end IS NULL)),
  CHECK (period_start < period_end),
  CHECK (subscription_id IS NULL OR period_start IS NOT NULL),
  CHECK ((status = 'paid') = (paid_on IS NOT NULL)),
  CHECK (status <> 'paid' OR paid_minor = total_minor),
  CHECK (status <> 'open' OR paid_minor < total_minor),
  CHECK (status <> 'void' OR paid_minor = 0),
  CHECK ((status IN ('void', 'uncollectible')) = (closed_at IS NOT NULL))
) STRICT;
INSERT INTO "invoices" VALUES(1,'INV-2026-000001','INV-2026-#',1,'issued',1,NULL,'open','EUR',10000,0,'18',1800,11800,2800,0,NULL,'invoice',1,2,'2026-01-03','2026-01-13',NULL,NULL,NULL,NULL,NULL,'suspension',1,'2026-01-19',29,NULL,NULL,NULL,NULL,NULL,'2026-01-03T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "invoices" VALUES(2,'INV-2026-000002','INV-2026-#',2,'issued',1,NULL,'paid','EUR',5000,0,'18',900,5900,5900,0,NULL,'invoice',1,2,'2026-01-03','2026-01-13','2026-01-04',NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-03T06:30:00Z','2026-01-05T20:40:00Z');
INSERT INTO "invoices" VALUES(3,'INV-2026-000003','INV-2026-#',3,'issued',8,NULL,'open','EUR',8000,0,'18',1440,9440,0,0,NULL,'invoice',1,3,'2026-01-03','2026-01-13',NULL,NULL,NULL,NULL,NULL,'suspension',1,'2026-01-22',42,NULL,NULL,NULL,NULL,NULL,'2026-01-03T06:30:00Z','2026-01-25T06:30:00Z');
INSERT INTO "invoices" VALUES(4,'INV-2026-000004','INV-2026-#',4,'issued',3,NULL,'open','EUR',6000,0,'18',1080,7080,0,0,NULL,'invoice',1,4,'2026-01-03','2026-01-13',NULL,NULL,NULL,NULL,NULL,'urgent',2,NULL,NULL,NULL,'2026-02-10','by phone',NULL,NULL,'2026-01-03T06:30:00Z','2026-01-18T06:30:00Z');
INSERT INTO "invoices" VALUES(5,'INV-2026-000005','INV-2026-#',5,'issued',4,NULL,'open','EUR',7000,0,'18',1260,8260,0,0,NULL,'invoice',1,5,'2026-01-03','2026-01-13',NULL,NULL,NULL,NULL,NULL,'warning',4,'2026-02-02',55,'2026-01-30',NULL,NULL,NULL,NULL,'2026-01-03T06:30:00Z','2026-02-02T06:30:00Z');
INSERT INTO "invoices" VALUES(6,'INV-2026-000006','INV-2026-#',6,'issued',5,NULL,'void','EUR',4000,0,'18',720,4720,0,0,NULL,'invoice',1,6,'2026-01-04','2026-01-14',NULL,NULL,NULL,'a mistake','2026-01-06T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-04T06:30:00Z','2026-01-06T06:30:00Z');
INSERT INTO "invoices" VALUES(7,'INV-2026-000007','INV-2026-#',7,'issued',6,NULL,'uncollectible','EUR',9000,0,'18',1620,10620,620,0,NULL,'invoice',1,7,'2026-01-04','2026-01-14',NULL,NULL,NULL,'gone','2026-01-23T06:30:00Z','warning',1,'2026-01-20',34,NULL,NULL,NULL,NULL,NULL,'2026-01-04T06:30:00Z','2026-01-29T06:30:00Z');
INSERT INTO "invoices" VALUES(8,'INV-2026-000008','INV-2026-#',8,'issued',7,NULL,'open','EUR',3000,0,'18',540,3540,0,0,NULL,'invoice',1,8,'2026-01-04','2026-01-14',NULL,NULL,NULL,NULL,NULL,'suspension',1,'2026-01-20',35,NULL,NULL,NULL,NULL,NULL,'2026-01-04T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "invoices" VALUES(9,'INV-2026-000009','INV-2026-#',9,'issued',2,NULL,'paid','EUR',2000,0,'18',360,2360,2360,0,NULL,'invoice',1,9,'2026-01-04','2026-01-14','2026-01-26',NULL,NULL,NULL,NULL,'suspension',1,'2026-01-20',33,NULL,NULL,NULL,NULL,NULL,'2026-01-04T06:30:00Z','2026-01-27T19:45:00Z');
INSERT INTO "invoices" VALUES(10,'INV-2026-000010','INV-2026-#',10,'issued',9,NULL,'open','EUR',2000,0,'18',360,2360,0,0,NULL,'invoice',1,10,'2026-01-04','2026-01-14',NULL,NULL,NULL,NULL,NULL,'suspension',1,'2026-01-20',36,NULL,NULL,NULL,NULL,NULL,'2026-01-04T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "invoices" VALUES(11,'INV-2026-000011','INV-2026-#',11,'issued',10,NULL,'open','EUR',2500,0,'18',450,2950,0,0,NULL,'invoice',1,11,'2026-01-05','2026-01-15',NULL,NULL,NULL,NULL,NULL,'warning',2,'2026-02-04',56,'2026-02-01',NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-02-04T06:30:00Z');
INSERT INTO "invoices" VALUES(12,'OLD-1',NULL,NULL,'imported',1,NULL,'paid','EUR',12000,0,'0',0,12000,12000,12000,NULL,'invoice',1,2,'2025-10-01','2025-10-15','2025-10-12',NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-08T06:30:00Z');
INSERT INTO "invoices" VALUES(13,'OLD-2',NULL,NULL,'imported',1,NULL,'void','EUR',7500,0,'0',0,7500,0,0,NULL,'invoice',1,2,'2025-11-01','2025-11-15',NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-08T06:30:00Z');
INSERT INTO "invoices" VALUES(14,'OLD-3',NULL,NULL,'imported',5,NULL,'uncollectible','EUR',6600,0,'0',0,6600,0,0,NULL,'invoice',1,6,'2025-11-01','2025-11-15',NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-08T06:30:00Z');
INSERT INTO "invoices" VALUES(15,'OLD-4',NULL,NULL,'imported',5,NULL,'paid','EUR',5400,0,'0',0,5400,5400,0,NULL,'invoice',1,6,'2025-12-21','2026-02-21','2026-01-05',NULL,NULL,NULL,NULL,'none',2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-09T18:20:00Z');
INSERT INTO "invoices" VALUES(16,'OLD-5',NULL,NULL,'imported',3,NULL,'void','EUR',4000,0,'0',0,4000,0,0,NULL,'invoice',1,4,'2025-12-20','2026-03-20',NULL,NULL,NULL,'gone','2026-01-19T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-19T06:30:00Z');
INSERT INTO "invoices" VALUES(17,'OLD-6',NULL,NULL,'imported',3,NULL,'open','EUR',4100,0,'0',0,4100,0,0,NULL,'invoice',1,4,'2025-12-20','2026-03-20',NULL,NULL,NULL,'gone',NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-19T06:30:00Z');
INSERT INTO "invoices" VALUES(18,'OLD-7',NULL,NULL,'imported',3,NULL,'uncollectible','EUR',4200,0,'0',0,4200,0,0,NULL,'invoice',1,4,'2025-12-20','2026-03-20',NULL,NULL,NULL,'gone after all','2026-01-24T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "invoices" VALUES(19,'OLD-8',NULL,NULL,'imported',3,NULL,'uncollectible','EUR',4300,0,'0',0,4300,0,0,NULL,'invoice',1,4,'2025-12-20','2026-03-20',NULL,NULL,NULL,'gone','2026-01-19T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-19T06:30:00Z');
INSERT INTO "invoices" VALUES(20,'OLD-9',NULL,NULL,'imported',3,NULL,'paid','EUR',4400,0,'0',0,4400,4400,4400,NULL,'invoice',1,4,'2025-12-20','2026-03-20','2026-01-15',NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-08T06:30:00Z','2026-01-19T06:30:00Z');
INSERT INTO "invoices" VALUES(21,'INV-2026-000012','INV-2026-#',12,'issued',1,1,'open','EUR',6000,0,'18',1080,7080,0,0,NULL,'invoice',1,2,'2026-01-05','2026-01-15',NULL,'2025-12-31','2026-01-31',NULL,NULL,'suspension',1,'2026-01-21',38,NULL,NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-01-25T06:30:00Z');
INSERT INTO "invoices" VALUES(22,'INV-2026-000013','INV-2026-#',13,'issued',2,3,'open','EUR',2613,0,'18',470,3083,0,0,NULL,'invoice',1,9,'2026-01-05','2026-01-15',NULL,'2026-01-05','2026-02-01',NULL,NULL,'suspension',1,'2026-01-21',39,NULL,NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-01-25T06:30:00Z');
INSERT INTO "invoices" VALUES(23,'INV-2026-000014','INV-2026-#',14,'issued',10,5,'open','EUR',2613,0,'18',470,3083,0,0,NULL,'invoice',1,11,'2026-01-05','2026-01-15',NULL,'2026-01-05','2026-02-01',NULL,NULL,'warning',2,'2026-02-04',56,'2026-02-01',NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-02-04T06:30:00Z');
INSERT INTO "invoices" VALUES(24,'INV-2026-000015','INV-2026-#',15,'issued',4,NULL,'open','EUR',4500,500,'18',720,4720,2000,0,2,'invoice',1,5,'2026-01-06','2026-01-16',NULL,NULL,NULL,NULL,NULL,'warning',2,'2026-02-02',55,'2026-01-30',NULL,NULL,NULL,NULL,'2026-01-06T06:30:00Z','2026-02-02T06:30:00Z');
INSERT INTO "invoices" VALUES(25,'INV-2026-000016','INV-2026-#',16,'issued',2,NULL,'void','EUR',1500,500,'18',180,1180,0,0,2,'invoice',1,9,'2026-01-06','2026-01-16',NULL,NULL,NULL,'wrong','2026-01-07T06:30:00Z','none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-06T06:30:00Z','2026-01-07T06:30:00Z');
INSERT INTO "invoices" VALUES(26,'INV-2026-000017','INV-2026-#',17,'issued',10,5,'open','EUR',3000,0,'18',540,3540,0,0,NULL,'invoice',1,11,'2026-02-02','2026-02-12',NULL,'2026-02-01','2026-03-01',NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z');
INSERT INTO "invoices" VALUES(104,'S-4',NULL,NULL,'typed',1,NULL,'paid','EUR',2000,0,'0',0,2000,2000,0,NULL,'automatic',1,2,'2026-02-04','2026-05-20','2026-02-06',NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-04T04:00:00Z','2026-02-06T04:00:00Z');
INSERT INTO "invoices" VALUES(105,'S-5',NULL,NULL,'typed',1,NULL,'open','EUR',2000,0,'0',0,2000,0,0,NULL,'automatic',1,2,'2026-02-04','2026-05-20',NULL,NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-04T04:00:00Z','2026-02-07T04:00:00Z');
INSERT INTO "invoices" VALUES(106,'S-6',NULL,NULL,'typed',1,NULL,'open','EUR',2000,0,'0',0,2000,0,0,NULL,'automatic',1,2,'2026-02-04','2026-05-20',NULL,NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-04T04:00:00Z','2026-02-07T04:00:00Z');
INSERT INTO "invoices" VALUES(107,'S-7',NULL,NULL,'typed',1,NULL,'open','EUR',2000,0,'0',0,2000,0,0,NULL,'automatic',1,2,'2026-02-04','2026-05-20',NULL,NULL,NULL,NULL,NULL,'none',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-04T04:00:00Z','2026-02-07T04:00:00Z');
CREATE TABLE number_sequences (
  series TEXT PRIMARY KEY,
  last INTEGER NOT NULL CHECK (last >= 0),
  skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped BETWEEN 0 AND last)
) STRICT, WITHOUT ROWID;
INSERT INTO "number_sequences" VALUES('INV-2026-#',17,0);
CREATE TABLE parties (
  id INTEGER PRIMARY KEY,
  document TEXT NOT NULL UNIQUE CHECK (json_valid(document))
) STRICT;
INSERT INTO "parties" VALUES(1,'{"name":"Example Services","email":null,"address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(2,'{"name":"Acme","email":"acme@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(3,'{"name":"Heath","email":"heath@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(4,'{"name":"Cedar","email":"cedar@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(5,'{"name":"Dune","email":"dune@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(6,'{"name":"Elm","email":"elm@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(7,'{"name":"Fern","email":"fern@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(8,'{"name":"Grove","email":"grove@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(9,'{"name":"Birch","email":"birch@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(10,'{"name":"Iris","email":"iris@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
INSERT INTO "parties" VALUES(11,'{"name":"Jade","email":"jade@clients.example","address":null,"country":null,"tax_id":null,"registration":null}');
CREATE TABLE payment_methods (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('card', 'mobile_money', 'bank_transfer', 'other')),
  token TEXT NOT NULL CHECK (length(token) BETWEEN 1 AND 500),
  label TEXT,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'removed')),
  is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  CHECK (is_default = 0 OR status = 'active')
) STRICT;
INSERT INTO "payment_methods" VALUES(1,1,'card','tok_flaky_1',NULL,'active',1,'2026-01-05T06:30:00Z','2026-01-05T06:30:00Z');
CREATE TABLE plans (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 63),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  price_minor INTEGER NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000000000),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  interval TEXT NOT NULL CHECK (interval IN ('month', 'year')),
  interval_count INTEGER NOT NULL DEFAULT 1 CHECK (interval_count BETWEEN 1 AND 120),
  trial_days INTEGER NOT NULL DEFAULT 0 CHECK (trial_days BETWEEN 0 AND 3650),
  archived_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "plans" VALUES(1,'basic','Basic',3000,'EUR','month',1,0,NULL,'2026-01-05T06:30:00Z','2026-01-05T06:30:00Z');
INSERT INTO "plans" VALUES(2,'pro','Pro',9900,'EUR','month',1,5,'2026-02-05T06:30:00Z','2026-01-05T06:30:00Z','2026-02-05T06:30:00Z');
CREATE TABLE redemptions (
  id INTEGER PRIMARY KEY,
  coupon_id INTEGER NOT NULL REFERENCES coupons (id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  subscription_id INTEGER,
  periods_left INTEGER CHECK (periods_left >= 0),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  redeemed_at TEXT NOT NULL,
  ended_at TEXT,
  returned_at TEXT,
  UNIQUE (id, tenant_id),
  FOREIGN KEY (subscription_id, tenant_id) REFERENCES subscriptions (id, tenant_id)
) STRICT;
INSERT INTO "redemptions" VALUES(1,1,1,1,NULL,'{}','2026-01-06T06:30:00Z',NULL,NULL);
INSERT INTO "redemptions" VALUES(2,2,4,NULL,0,'{}','2026-01-06T06:30:00Z','2026-01-06T06:30:00Z',NULL);
INSERT INTO "redemptions" VALUES(3,2,2,NULL,0,'{"campaign":"spring"}','2026-01-06T06:30:00Z','2026-01-06T06:30:00Z','2026-01-07T06:30:00Z');
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  task TEXT NOT NULL,
  as_of TEXT NOT NULL,
  clock TEXT NOT NULL CHECK (clock IN ('system', 'given')),
  status TEXT NOT NULL CHECK (status IN ('running', 'ok', 'partial', 'failed', 'interrupted')),
  phase TEXT CHECK (phase IN ('deciding', 'delivering')),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  result TEXT CHECK (json_valid(result)),
  CHECK ((status = 'running') = (phase IS NOT NULL))
) STRICT;
INSERT INTO "runs" VALUES(1,'generate-recurring-invoices','2026-01-10T06:30:00Z','given','ok',NULL,'2026-01-10T06:30:00Z','2026-01-10T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-10T06:30:00Z","run_id":"run_1","status":"ok","dry_run":false,"duration_ms":213,"emails_queued":0,"emails_sent":8,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(2,'cleanup-expired-trials','2026-01-10T06:30:00Z','given','ok',NULL,'2026-01-10T06:30:00Z','2026-01-10T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-10T06:30:00Z","run_id":"run_2","status":"ok","dry_run":false,"duration_ms":77,"emails_queued":2,"emails_sent":2,"emails_failed":0,"expired":2,"suspended":2,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(3,'check-overdue','2026-01-10T06:30:00Z','given','ok',NULL,'2026-01-10T06:30:00Z','2026-01-10T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-10T06:30:00Z","run_id":"run_3","status":"ok","dry_run":false,"duration_ms":27,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":0,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(4,'generate-recurring-invoices','2026-01-11T06:30:00Z','given','ok',NULL,'2026-01-11T06:30:00Z','2026-01-11T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-11T06:30:00Z","run_id":"run_4","status":"ok","dry_run":false,"duration_ms":15,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(5,'cleanup-expired-trials','2026-01-11T06:30:00Z','given','ok',NULL,'2026-01-11T06:30:00Z','2026-01-11T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-11T06:30:00Z","run_id":"run_5","status":"ok","dry_run":false,"duration_ms":3,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(6,'check-overdue','2026-01-11T06:30:00Z','given','ok',NULL,'2026-01-11T06:30:00Z','2026-01-11T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-11T06:30:00Z","run_id":"run_6","status":"ok","dry_run":false,"duration_ms":16,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":0,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(7,'generate-recurring-invoices','2026-01-12T06:30:00Z','given','ok',NULL,'2026-01-12T06:30:00Z','2026-01-12T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-12T06:30:00Z","run_id":"run_7","status":"ok","dry_run":false,"duration_ms":29,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(8,'cleanup-expired-trials','2026-01-12T06:30:00Z','given','ok',NULL,'2026-01-12T06:30:00Z','2026-01-12T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-12T06:30:00Z","run_id":"run_8","status":"ok","dry_run":false,"duration_ms":13,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(9,'check-overdue','2026-01-12T06:30:00Z','given','ok',NULL,'2026-01-12T06:30:00Z','2026-01-12T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-12T06:30:00Z","run_id":"run_9","status":"ok","dry_run":false,"duration_ms":5,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":0,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(10,'generate-recurring-invoices','2026-01-13T06:30:00Z','given','ok',NULL,'2026-01-13T06:30:00Z','2026-01-13T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-13T06:30:00Z","run_id":"run_10","status":"ok","dry_run":false,"duration_ms":9,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(11,'cleanup-expired-trials','2026-01-13T06:30:00Z','given','ok',NULL,'2026-01-13T06:30:00Z','2026-01-13T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-13T06:30:00Z","run_id":"run_11","status":"ok","dry_run":false,"duration_ms":18,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(12,'check-overdue','2026-01-13T06:30:00Z','given','ok',NULL,'2026-01-13T06:30:00Z','2026-01-13T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-13T06:30:00Z","run_id":"run_12","status":"ok","dry_run":false,"duration_ms":25,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":0,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(13,'generate-recurring-invoices','2026-01-14T06:30:00Z','given','ok',NULL,'2026-01-14T06:30:00Z','2026-01-14T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-14T06:30:00Z","run_id":"run_13","status":"ok","dry_run":false,"duration_ms":28,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(14,'cleanup-expired-trials','2026-01-14T06:30:00Z','given','ok',NULL,'2026-01-14T06:30:00Z','2026-01-14T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-14T06:30:00Z","run_id":"run_14","status":"ok","dry_run":false,"duration_ms":30,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(15,'check-overdue','2026-01-14T06:30:00Z','given','ok',NULL,'2026-01-14T06:30:00Z','2026-01-14T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-14T06:30:00Z","run_id":"run_15","status":"ok","dry_run":false,"duration_ms":19,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":0,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(16,'generate-recurring-invoices','2026-01-15T06:30:00Z','given','ok',NULL,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-15T06:30:00Z","run_id":"run_16","status":"ok","dry_run":false,"duration_ms":17,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(17,'cleanup-expired-trials','2026-01-15T06:30:00Z','given','ok',NULL,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-15T06:30:00Z","run_id":"run_17","status":"ok","dry_run":false,"duration_ms":29,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(18,'check-overdue','2026-01-15T06:30:00Z','given','ok',NULL,'2026-01-15T06:30:00Z','2026-01-15T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-15T06:30:00Z","run_id":"run_18","status":"ok","dry_run":false,"duration_ms":151,"emails_queued":4,"emails_sent":4,"emails_failed":0,"examined":4,"steps":{"friendly":4,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(19,'generate-recurring-invoices','2026-01-16T06:30:00Z','given','ok',NULL,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-16T06:30:00Z","run_id":"run_19","status":"ok","dry_run":false,"duration_ms":13,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(20,'cleanup-expired-trials','2026-01-16T06:30:00Z','given','ok',NULL,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-16T06:30:00Z","run_id":"run_20","status":"ok","dry_run":false,"duration_ms":31,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(21,'check-overdue','2026-01-16T06:30:00Z','given','ok',NULL,'2026-01-16T06:30:00Z','2026-01-16T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-16T06:30:00Z","run_id":"run_21","status":"ok","dry_run":false,"duration_ms":240,"emails_queued":3,"emails_sent":3,"emails_failed":0,"examined":4,"steps":{"friendly":3,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(22,'generate-recurring-invoices','2026-01-17T06:30:00Z','given','ok',NULL,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-17T06:30:00Z","run_id":"run_22","status":"ok","dry_run":false,"duration_ms":37,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(23,'cleanup-expired-trials','2026-01-17T06:30:00Z','given','ok',NULL,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-17T06:30:00Z","run_id":"run_23","status":"ok","dry_run":false,"duration_ms":35,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(24,'check-overdue','2026-01-17T06:30:00Z','given','ok',NULL,'2026-01-17T06:30:00Z','2026-01-17T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-17T06:30:00Z","run_id":"run_24","status":"ok","dry_run":false,"duration_ms":282,"emails_queued":6,"emails_sent":6,"emails_failed":0,"examined":10,"steps":{"friendly":4,"urgent":4,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(25,'generate-recurring-invoices','2026-01-18T06:30:00Z','given','ok',NULL,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-18T06:30:00Z","run_id":"run_25","status":"ok","dry_run":false,"duration_ms":20,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(26,'cleanup-expired-trials','2026-01-18T06:30:00Z','given','ok',NULL,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-18T06:30:00Z","run_id":"run_26","status":"ok","dry_run":false,"duration_ms":5,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(27,'check-overdue','2026-01-18T06:30:00Z','given','ok',NULL,'2026-01-18T06:30:00Z','2026-01-18T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-18T06:30:00Z","run_id":"run_27","status":"ok","dry_run":false,"duration_ms":129,"emails_queued":5,"emails_sent":5,"emails_failed":0,"examined":7,"steps":{"friendly":1,"urgent":4,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(28,'generate-recurring-invoices','2026-01-19T06:30:00Z','given','ok',NULL,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-19T06:30:00Z","run_id":"run_28","status":"ok","dry_run":false,"duration_ms":28,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(29,'cleanup-expired-trials','2026-01-19T06:30:00Z','given','ok',NULL,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-19T06:30:00Z","run_id":"run_29","status":"ok","dry_run":false,"duration_ms":28,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(30,'check-overdue','2026-01-19T06:30:00Z','given','ok',NULL,'2026-01-19T06:30:00Z','2026-01-19T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-19T06:30:00Z","run_id":"run_30","status":"ok","dry_run":false,"duration_ms":185,"emails_queued":4,"emails_sent":4,"emails_failed":0,"examined":8,"steps":{"friendly":0,"urgent":4,"warning":2,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(31,'generate-recurring-invoices','2026-01-20T06:30:00Z','given','ok',NULL,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-20T06:30:00Z","run_id":"run_31","status":"ok","dry_run":false,"duration_ms":63,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(32,'cleanup-expired-trials','2026-01-20T06:30:00Z','given','ok',NULL,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-20T06:30:00Z","run_id":"run_32","status":"ok","dry_run":false,"duration_ms":10,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(33,'check-overdue','2026-01-20T06:30:00Z','given','ok',NULL,'2026-01-20T06:30:00Z','2026-01-20T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-20T06:30:00Z","run_id":"run_33","status":"ok","dry_run":false,"duration_ms":252,"emails_queued":5,"emails_sent":5,"emails_failed":0,"examined":8,"steps":{"friendly":0,"urgent":1,"warning":4,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(34,'generate-recurring-invoices','2026-01-21T06:30:00Z','given','ok',NULL,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-21T06:30:00Z","run_id":"run_34","status":"ok","dry_run":false,"duration_ms":37,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(35,'cleanup-expired-trials','2026-01-21T06:30:00Z','given','ok',NULL,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-21T06:30:00Z","run_id":"run_35","status":"ok","dry_run":false,"duration_ms":16,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(36,'check-overdue','2026-01-21T06:30:00Z','given','ok',NULL,'2026-01-21T06:30:00Z','2026-01-21T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-21T06:30:00Z","run_id":"run_36","status":"ok","dry_run":false,"duration_ms":161,"emails_queued":3,"emails_sent":3,"emails_failed":0,"examined":7,"steps":{"friendly":0,"urgent":0,"warning":4,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(37,'generate-recurring-invoices','2026-01-22T06:30:00Z','given','ok',NULL,'2026-01-22T06:30:00Z','2026-01-22T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-22T06:30:00Z","run_id":"run_37","status":"ok","dry_run":false,"duration_ms":41,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(38,'cleanup-expired-trials','2026-01-22T06:30:00Z','given','ok',NULL,'2026-01-22T06:30:00Z','2026-01-22T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-22T06:30:00Z","run_id":"run_38","status":"ok","dry_run":false,"duration_ms":14,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(39,'check-overdue','2026-01-22T06:30:00Z','given','ok',NULL,'2026-01-22T06:30:00Z','2026-01-22T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-22T06:30:00Z","run_id":"run_39","status":"ok","dry_run":false,"duration_ms":55,"emails_queued":1,"emails_sent":1,"emails_failed":0,"examined":3,"steps":{"friendly":0,"urgent":0,"warning":1,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(40,'generate-recurring-invoices','2026-01-24T06:30:00Z','given','ok',NULL,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-24T06:30:00Z","run_id":"run_40","status":"ok","dry_run":false,"duration_ms":48,"emails_queued":0,"emails_sent":1,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(41,'cleanup-expired-trials','2026-01-24T06:30:00Z','given','ok',NULL,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-24T06:30:00Z","run_id":"run_41","status":"ok","dry_run":false,"duration_ms":21,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(42,'check-overdue','2026-01-24T06:30:00Z','given','ok',NULL,'2026-01-24T06:30:00Z','2026-01-24T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-24T06:30:00Z","run_id":"run_42","status":"ok","dry_run":false,"duration_ms":164,"emails_queued":4,"emails_sent":4,"emails_failed":0,"examined":10,"steps":{"friendly":0,"urgent":0,"warning":1,"suspension":4},"tenants_suspended":3,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(43,'generate-recurring-invoices','2026-01-25T06:30:00Z','given','ok',NULL,'2026-01-25T06:30:00Z','2026-01-25T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-25T06:30:00Z","run_id":"run_43","status":"ok","dry_run":false,"duration_ms":24,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(44,'cleanup-expired-trials','2026-01-25T06:30:00Z','given','ok',NULL,'2026-01-25T06:30:00Z','2026-01-25T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-25T06:30:00Z","run_id":"run_44","status":"ok","dry_run":false,"duration_ms":15,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(45,'check-overdue','2026-01-25T06:30:00Z','given','ok',NULL,'2026-01-25T06:30:00Z','2026-01-25T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-25T06:30:00Z","run_id":"run_45","status":"ok","dry_run":false,"duration_ms":47,"emails_queued":2,"emails_sent":2,"emails_failed":0,"examined":10,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":5},"tenants_suspended":2,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(46,'generate-recurring-invoices','2026-01-26T06:30:00Z','given','ok',NULL,'2026-01-26T06:30:00Z','2026-01-26T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-26T06:30:00Z","run_id":"run_46","status":"ok","dry_run":false,"duration_ms":28,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(47,'cleanup-expired-trials','2026-01-26T06:30:00Z','given','ok',NULL,'2026-01-26T06:30:00Z','2026-01-26T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-26T06:30:00Z","run_id":"run_47","status":"ok","dry_run":false,"duration_ms":1,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(48,'check-overdue','2026-01-26T06:30:00Z','given','ok',NULL,'2026-01-26T06:30:00Z','2026-01-26T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-26T06:30:00Z","run_id":"run_48","status":"ok","dry_run":false,"duration_ms":37,"emails_queued":1,"emails_sent":1,"emails_failed":0,"examined":3,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":1},"tenants_suspended":1,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(49,'generate-recurring-invoices','2026-01-27T06:30:00Z','given','ok',NULL,'2026-01-27T06:30:00Z','2026-01-27T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-01-27T06:30:00Z","run_id":"run_49","status":"ok","dry_run":false,"duration_ms":20,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(50,'cleanup-expired-trials','2026-01-27T06:30:00Z','given','ok',NULL,'2026-01-27T06:30:00Z','2026-01-27T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-01-27T06:30:00Z","run_id":"run_50","status":"ok","dry_run":false,"duration_ms":7,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(51,'check-overdue','2026-01-27T06:30:00Z','given','ok',NULL,'2026-01-27T06:30:00Z','2026-01-27T06:30:00Z','{"task":"check-overdue","as_of":"2026-01-27T06:30:00Z","run_id":"run_51","status":"ok","dry_run":false,"duration_ms":32,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":3,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":1},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(52,'generate-recurring-invoices','2026-02-02T06:30:00Z','given','ok',NULL,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-02-02T06:30:00Z","run_id":"run_52","status":"ok","dry_run":false,"duration_ms":138,"emails_queued":1,"emails_sent":5,"emails_failed":0,"subscriptions_billed":1,"invoices_created":1,"totals":{"EUR":"35.40"},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(53,'cleanup-expired-trials','2026-02-02T06:30:00Z','given','ok',NULL,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-02-02T06:30:00Z","run_id":"run_53","status":"ok","dry_run":false,"duration_ms":15,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(54,'check-overdue','2026-02-02T06:30:00Z','given','ok',NULL,'2026-02-02T06:30:00Z','2026-02-02T06:30:00Z','{"task":"check-overdue","as_of":"2026-02-02T06:30:00Z","run_id":"run_54","status":"ok","dry_run":false,"duration_ms":28,"emails_queued":1,"emails_sent":1,"emails_failed":0,"examined":5,"steps":{"friendly":0,"urgent":0,"warning":2,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(55,'generate-recurring-invoices','2026-02-03T06:30:00Z','given','ok',NULL,'2026-02-03T06:30:00Z','2026-02-03T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-02-03T06:30:00Z","run_id":"run_55","status":"ok","dry_run":false,"duration_ms":1,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(56,'cleanup-expired-trials','2026-02-03T06:30:00Z','given','ok',NULL,'2026-02-03T06:30:00Z','2026-02-03T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-02-03T06:30:00Z","run_id":"run_56","status":"ok","dry_run":false,"duration_ms":40,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(57,'check-overdue','2026-02-03T06:30:00Z','given','ok',NULL,'2026-02-03T06:30:00Z','2026-02-03T06:30:00Z','{"task":"check-overdue","as_of":"2026-02-03T06:30:00Z","run_id":"run_57","status":"ok","dry_run":false,"duration_ms":10,"emails_queued":0,"emails_sent":0,"emails_failed":0,"examined":5,"steps":{"friendly":0,"urgent":0,"warning":0,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
INSERT INTO "runs" VALUES(58,'generate-recurring-invoices','2026-02-04T06:30:00Z','given','ok',NULL,'2026-02-04T06:30:00Z','2026-02-04T06:30:00Z','{"task":"generate-recurring-invoices","as_of":"2026-02-04T06:30:00Z","run_id":"run_58","status":"ok","dry_run":false,"duration_ms":5,"emails_queued":0,"emails_sent":0,"emails_failed":0,"subscriptions_billed":0,"invoices_created":0,"totals":{},"charged":0,"declined":0,"subscriptions_ended":0,"errors":[]}');
INSERT INTO "runs" VALUES(59,'cleanup-expired-trials','2026-02-04T06:30:00Z','given','ok',NULL,'2026-02-04T06:30:00Z','2026-02-04T06:30:00Z','{"task":"cleanup-expired-trials","as_of":"2026-02-04T06:30:00Z","run_id":"run_59","status":"ok","dry_run":false,"duration_ms":10,"emails_queued":0,"emails_sent":0,"emails_failed":0,"expired":0,"suspended":0,"converted":0,"reminded":0,"errors":[]}');
INSERT INTO "runs" VALUES(60,'check-overdue','2026-02-04T06:30:00Z','given','ok',NULL,'2026-02-04T06:30:00Z','2026-02-04T06:30:00Z','{"task":"check-overdue","as_of":"2026-02-04T06:30:00Z","run_id":"run_60","status":"ok","dry_run":false,"duration_ms":27,"emails_queued":1,"emails_sent":1,"emails_failed":0,"examined":5,"steps":{"friendly":0,"urgent":0,"warning":2,"suspension":0},"tenants_suspended":0,"suspensions_held":0,"errors":[]}');
CREATE TABLE subscription_states (
  id INTEGER PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscriptions (id),
  since TEXT NOT NULL,
  status TEXT NOT NULL,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  quantity INTEGER NOT NULL
) STRICT;
INSERT INTO "subscription_states" VALUES(1,1,'2026-01-05T06:30:00Z','active',1,2);
INSERT INTO "subscription_states" VALUES(2,2,'2026-01-05T06:30:00Z','trialing',2,1);
INSERT INTO "subscription_states" VALUES(3,3,'2026-01-05T06:30:00Z','active',1,1);
INSERT INTO "subscription_states" VALUES(4,4,'2026-01-05T06:30:00Z','trialing',2,1);
INSERT INTO "subscription_states" VALUES(5,5,'2026-01-05T06:30:00Z','active',1,1);
INSERT INTO "subscription_states" VALUES(6,6,'2026-01-05T06:30:00Z','trialing',2,1);
INSERT INTO "subscription_states" VALUES(7,7,'2026-01-05T06:30:00Z','active',1,3);
INSERT INTO "subscription_states" VALUES(8,8,'2026-01-05T06:30:00Z','canceled',1,1);
INSERT INTO "subscription_states" VALUES(9,2,'2026-01-10T06:30:00Z','suspended',2,1);
INSERT INTO "subscription_states" VALUES(10,6,'2026-01-10T06:30:00Z','suspended',2,1);
INSERT INTO "subscription_states" VALUES(11,1,'2026-01-24T06:30:00Z','suspended',1,2);
INSERT INTO "subscription_states" VALUES(12,3,'2026-01-24T06:30:00Z','suspended',1,1);
INSERT INTO "subscription_states" VALUES(13,7,'2026-01-24T06:30:00Z','suspended',1,3);
INSERT INTO "subscription_states" VALUES(14,5,'2026-01-25T06:30:00Z','suspended',1,1);
INSERT INTO "subscription_states" VALUES(15,6,'2026-01-31T06:30:00Z','canceled',2,1);
INSERT INTO "subscription_states" VALUES(16,5,'2026-02-01T06:30:00Z','active',1,1);
INSERT INTO "subscription_states" VALUES(17,7,'2026-02-04T06:30:00Z','canceled',1,3);
INSERT INTO "subscription_states" VALUES(18,5,'2026-02-03T21:30:00Z','canceled',1,1);
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  status TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'suspended', 'canceled')),
  quantity INTEGER NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 1000000),
  anchor TEXT NOT NULL CHECK (anchor IN ('calendar', 'anniversary')),
  anchor_on TEXT NOT NULL CHECK (date(anchor_on) IS anchor_on),
  anchor_day INTEGER NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),
  started_on TEXT NOT NULL CHECK (date(started_on) IS started_on),
  current_period_start TEXT CHECK (date(current_period_start) IS current_period_start),
  current_period_end TEXT CHECK (date(current_period_end) IS current_period_end),
  next_billing_on TEXT CHECK (date(next_billing_on) IS next_billing_on),
  trial_ends_on TEXT CHECK (date(trial_ends_on) IS trial_ends_on),
  trial_reminded_at TEXT,
  collection TEXT NOT NULL DEFAULT 'invoice' CHECK (collection IN ('automatic', 'invoice')),
  cancel_at_period_end INTEGER NOT NULL DEFAULT 0 CHECK (cancel_at_period_end IN (0, 1)),
  ends_on TEXT CHECK (date(ends_on) IS ends_on),
  canceled_at TEXT,
  pending_plan_id INTEGER REFERENCES plans (id),
  pending_quantity INTEGER CHECK (pending_quantity BETWEEN 1 AND 1000000),
  suspended_at TEXT,
  suspended_on TEXT CHECK (date(suspended_on) IS suspended_on),
  suspension_cause TEXT CHECK (suspension_cause IN ('overdue', 'manual', 'trial')),
  suspended_from TEXT CHECK (suspended_from IN ('trialing', 'active')),
  billed_elsewhere_until TEXT CHECK (date(billed_elsewhere_until) IS billed_elsewhere_until),
  imported TEXT CHECK (json_valid(imported)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  CHECK (current_period_start < current_period_end),
  CHECK ((current_period_start IS NULL) = (current_period_end IS NULL)),
  CHECK ((pending_plan_id IS NULL) = (pending_quantity IS NULL)),
  CHECK ((status = 'suspended') = (suspended_at IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspended_on IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_cause IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspended_from IS NOT NULL)),
  CHECK ((status = 'canceled') = (canceled_at IS NOT NULL)),
  CHECK ((status = 'canceled' OR cancel_at_period_end = 1) = (ends_on IS NOT NULL)),
  CHECK (status <> 'trialing' OR (trial_ends_on IS NOT NULL AND next_billing_on IS NULL)),
  CHECK (status <> 'active' OR next_billing_on IS NOT NULL),
  CHECK (status <> 'canceled' OR next_billing_on IS NULL)
) STRICT;
INSERT INTO "subscriptions" VALUES(1,1,1,'suspended',2,'anniversary','2025-12-31',31,'2025-12-31','2025-12-31','2026-01-31','2026-01-31',NULL,NULL,'invoice',0,NULL,NULL,1,4,'2026-01-24T06:30:00Z','2026-01-24','overdue','active',NULL,NULL,'2026-01-05T06:30:00Z','2026-02-04T06:30:00Z');
INSERT INTO "subscriptions" VALUES(2,1,2,'suspended',1,'calendar','2026-02-01',1,'2026-01-05','2026-01-05','2026-01-10',NULL,'2026-01-09',NULL,'invoice',0,NULL,NULL,NULL,NULL,'2026-01-10T06:30:00Z','2026-01-10','trial','trialing',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-10T06:30:00Z');
INSERT INTO "subscriptions" VALUES(3,2,1,'suspended',1,'calendar','2026-02-01',1,'2026-01-05','2026-01-05','2026-02-01','2026-02-01',NULL,NULL,'invoice',0,NULL,NULL,NULL,NULL,'2026-01-24T06:30:00Z','2026-01-24','overdue','active',NULL,NULL,'2026-01-05T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "subscriptions" VALUES(4,3,2,'trialing',1,'calendar','2026-04-01',1,'2026-01-05','2026-01-05','2026-03-06',NULL,'2026-03-05',NULL,'invoice',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-01-05T06:30:00Z');
INSERT INTO "subscriptions" VALUES(5,10,1,'canceled',1,'calendar','2026-02-01',1,'2026-01-05','2026-02-01','2026-03-01',NULL,NULL,NULL,'invoice',0,'2026-02-04','2026-02-03T21:30:00Z',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-02-03T21:30:00Z');
INSERT INTO "subscriptions" VALUES(6,9,2,'canceled',1,'calendar','2026-02-01',1,'2026-01-05','2026-01-05','2026-01-10',NULL,'2026-01-09',NULL,'invoice',0,'2026-01-31','2026-01-31T06:30:00Z',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-05T06:30:00Z','2026-01-31T06:30:00Z');
INSERT INTO "subscriptions" VALUES(7,7,1,'canceled',3,'calendar','2025-07-01',1,'2025-06-10','2026-01-01','2026-02-01',NULL,NULL,NULL,'invoice',0,'2026-02-04','2026-02-04T06:30:00Z',NULL,NULL,NULL,NULL,NULL,NULL,'2026-02-01','{"status":null,"current_period_start":null,"current_period_end":null,"trial_ends_on":null,"anchor":null,"quantity":3,"collection":null}','2026-01-05T06:30:00Z','2026-02-04T06:30:00Z');
INSERT INTO "subscriptions" VALUES(8,5,1,'canceled',1,'calendar','2025-02-01',1,'2025-01-10',NULL,NULL,NULL,NULL,NULL,'invoice',0,'2026-01-05','2026-01-05T06:30:00Z',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"status":"canceled","current_period_start":null,"current_period_end":null,"trial_ends_on":null,"anchor":null,"quantity":1,"collection":null}','2026-01-05T06:30:00Z','2026-01-05T06:30:00Z');
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 63),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  locale TEXT NOT NULL CHECK (locale IN ('fr', 'en')),
  country TEXT CHECK (length(country) = 2),
  address TEXT,
  tax_id TEXT,
  tax_rate TEXT,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
  suspended_at TEXT,
  suspension_cause TEXT CHECK (suspension_cause IN ('overdue', 'manual', 'trial')),
  suspension_reason TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK ((status = 'suspended') = (suspended_at IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_cause IS NOT NULL)),
  CHECK ((status = 'suspended') = (suspension_reason IS NOT NULL))
) STRICT;
INSERT INTO "tenants" VALUES(1,'acme','Acme','books@acme.example','EUR','en',NULL,NULL,NULL,NULL,'suspended','2026-01-24T06:30:00Z','overdue','invoice INV-2026-000001 is 11 days overdue','2026-01-02T06:30:00Z','2026-01-30T06:30:00Z');
INSERT INTO "tenants" VALUES(2,'birch','Birch','birch@clients.example','EUR','en',NULL,NULL,NULL,NULL,'suspended','2026-01-24T06:30:00Z','overdue','invoice INV-2026-000009 is 10 days overdue','2026-01-02T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "tenants" VALUES(3,'cedar','Cedar','cedar@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-01-02T06:30:00Z');
INSERT INTO "tenants" VALUES(4,'dune','Dune','dune@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-01-30T06:30:00Z');
INSERT INTO "tenants" VALUES(5,'elm','Elm','elm@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-01-02T06:30:00Z');
INSERT INTO "tenants" VALUES(6,'fern','Fern','fern@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-01-02T06:30:00Z');
INSERT INTO "tenants" VALUES(7,'grove','Grove','grove@clients.example','EUR','en',NULL,NULL,NULL,NULL,'suspended','2026-01-24T06:30:00Z','overdue','invoice INV-2026-000008 is 10 days overdue','2026-01-02T06:30:00Z','2026-01-24T06:30:00Z');
INSERT INTO "tenants" VALUES(8,'heath','Heath','heath@clients.example','EUR','en',NULL,NULL,NULL,NULL,'suspended','2026-01-25T06:30:00Z','overdue','invoice INV-2026-000003 is 12 days overdue','2026-01-02T06:30:00Z','2026-01-25T06:30:00Z');
INSERT INTO "tenants" VALUES(9,'iris','Iris','iris@clients.example','EUR','en',NULL,NULL,NULL,NULL,'closed',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-01-31T06:30:00Z');
INSERT INTO "tenants" VALUES(10,'jade','Jade','jade@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-02T06:30:00Z','2026-02-01T06:30:00Z');
INSERT INTO "tenants" VALUES(11,'kale','Kale','kale@clients.example','EUR','en',NULL,NULL,NULL,NULL,'active',NULL,NULL,NULL,'2026-01-09T06:30:00Z','2026-01-10T06:30:00Z');
CREATE TABLE transactions (
  id INTEGER PRIMARY KEY,
  invoice_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('payment', 'charge')),
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'unknown')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  amount_minor INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
  applied_minor INTEGER NOT NULL DEFAULT 0 CHECK (applied_minor BETWEEN 0 AND amount_minor),
  paid_on TEXT CHECK (date(paid_on) IS paid_on),
  method TEXT,
  reference TEXT CHECK (length(reference) BETWEEN 1 AND 200),
  payment_method_id INTEGER,
  failure_code TEXT,
  failure_message TEXT,
  hard_decline INTEGER NOT NULL DEFAULT 0 CHECK (hard_decline IN (0, 1)),
  retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
  first_failed_at TEXT,
  last_tried_at TEXT,
  next_retry_at TEXT,
  reversed_at TEXT,
  reversal_reason TEXT,
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (id, tenant_id),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  FOREIGN KEY (payment_method_id, tenant_id) REFERENCES payment_methods (id, tenant_id),
  CHECK (status = 'succeeded' OR applied_minor = 0),
  CHECK ((status = 'succeeded') = (paid_on IS NOT NULL)),
  CHECK ((reversed_at IS NULL) = (reversal_reason IS NULL)),
  CHECK (reversed_at IS NULL OR status = 'failed')
) STRICT;
INSERT INTO "transactions" VALUES(1,1,1,'payment','succeeded','EUR',1800,1800,'2026-01-05','cash',NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-05T06:30:00Z','2026-01-05T06:30:00Z');
INSERT INTO "transactions" VALUES(2,2,1,'payment','succeeded','EUR',5900,5900,'2026-01-04',NULL,'BANK 1',NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-05T20:40:00Z','2026-01-05T20:40:00Z');
INSERT INTO "transactions" VALUES(3,8,7,'payment','failed','EUR',3540,0,NULL,NULL,NULL,NULL,'reversed',NULL,0,0,NULL,NULL,NULL,'2026-01-18T06:30:00Z','no funds','{}','2026-01-07T06:30:00Z','2026-01-18T06:30:00Z');
INSERT INTO "transactions" VALUES(4,15,5,'payment','succeeded','EUR',6000,5400,'2026-01-05',NULL,'BANK 2',NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-09T18:20:00Z','2026-01-09T18:20:00Z');
INSERT INTO "transactions" VALUES(5,1,1,'payment','succeeded','EUR',1000,1000,'2026-01-06',NULL,'BANK 3',NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-09T18:20:00Z','2026-01-09T18:20:00Z');
INSERT INTO "transactions" VALUES(6,2,1,'payment','failed','EUR',1200,0,NULL,NULL,'BANK 4',NULL,'reversed',NULL,0,0,NULL,NULL,NULL,'2026-01-24T06:30:00Z','not ours','{}','2026-01-09T18:20:00Z','2026-01-24T06:30:00Z');
INSERT INTO "transactions" VALUES(7,24,4,'payment','succeeded','EUR',2000,2000,'2026-01-07',NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-07T06:30:00Z','2026-01-07T06:30:00Z');
INSERT INTO "transactions" VALUES(8,9,2,'payment','succeeded','EUR',2360,2360,'2026-01-26',NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-27T19:45:00Z','2026-01-27T19:45:00Z');
INSERT INTO "transactions" VALUES(9,7,6,'payment','succeeded','EUR',620,620,'2026-01-29',NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'{}','2026-01-29T06:30:00Z','2026-01-29T06:30:00Z');
INSERT INTO "transactions" VALUES(101,104,1,'charge','succeeded','EUR',2000,2000,'2026-02-06','card',NULL,1,NULL,NULL,0,1,'2026-02-05T04:00:00Z','2026-02-06T04:00:00Z',NULL,NULL,NULL,'{}','2026-02-05T04:00:00Z','2026-02-06T04:00:00Z');
INSERT INTO "transactions" VALUES(102,105,1,'charge','failed','EUR',2000,0,NULL,'card',NULL,1,'stolen_card','stolen',1,0,'2026-02-05T04:00:00Z','2026-02-05T04:00:00Z',NULL,NULL,NULL,'{}','2026-02-05T04:00:00Z','2026-02-05T04:00:00Z');
INSERT INTO "transactions" VALUES(103,106,1,'charge','unknown','EUR',2000,0,NULL,'card',NULL,1,NULL,NULL,0,1,NULL,'2026-02-07T04:00:00Z',NULL,NULL,NULL,'{}','2026-02-05T04:00:00Z','2026-02-07T04:00:00Z');
CREATE INDEX tenants_status ON tenants (status);
CREATE INDEX payment_methods_tenant ON payment_methods (tenant_id);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (tenant_id) WHERE is_default = 1;
CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id);
CREATE INDEX subscriptions_plan ON subscriptions (plan_id);
CREATE INDEX subscriptions_next_billing ON subscriptions (next_billing_on, id)
  WHERE status = 'active' AND next_billing_on IS NOT NULL;
CREATE INDEX subscriptions_trials ON subscriptions (trial_ends_on, id) WHERE status = 'trialing';
CREATE INDEX subscriptions_ending ON subscriptions (ends_on, id)
  WHERE cancel_at_period_end = 1 AND status <> 'canceled';
CREATE INDEX subscription_states_subscription ON subscription_states (subscription_id, id);
CREATE TRIGGER subscriptions_first_state AFTER INSERT ON subscriptions
BEGIN
  INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
  VALUES (NEW.id, NEW.created_at, NEW.status, NEW.plan_id, NEW.quantity);
END;
CREATE TRIGGER subscriptions_state AFTER UPDATE OF status, plan_id, quantity ON subscriptions
WHEN NEW.status <> OLD.status OR NEW.plan_id <> OLD.plan_id OR NEW.quantity <> OLD.quantity
BEGIN
  INSERT INTO subscription_states (subscription_id, since, status, plan_id, quantity)
  VALUES (NEW.id, NEW.updated_at, NEW.status, NEW.plan_id, NEW.quantity);
END;
CREATE INDEX invoices_tenant ON invoices (tenant_id);
CREATE INDEX invoices_dunning ON invoices (stage, due_on, tenant_id)
  WHERE status = 'open' AND disputed_at IS NULL AND stage <> 'suspension';
CREATE INDEX invoices_open ON invoices (tenant_id, due_on) WHERE status = 'open';
CREATE INDEX invoices_open_due ON invoices (due_on, id) WHERE status = 'open';
CREATE UNIQUE INDEX invoices_sequence ON invoices (series, sequence) WHERE sequence IS NOT NULL;
CREATE UNIQUE INDEX invoices_period ON invoices (subscription_id, period_start)
  WHERE subscription_id IS NOT NULL AND status <> 'void';
CREATE INDEX invoices_coupon ON invoices (coupon_id) WHERE coupon_id IS NOT NULL;
CREATE INDEX invoices_warning_email ON invoices (warning_email_id) WHERE warning_email_id IS NOT NULL;
CREATE TRIGGER invoices_period_overlap BEFORE INSERT ON invoices
WHEN NEW.subscription_id IS NOT NULL AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'invoice period overlaps another of the same subscription')
  WHERE NEW.period_start < (
    SELECT period_end FROM invoices
    WHERE subscription_id = NEW.subscription_id AND status <> 'void'
      AND period_start < NEW.period_end
    ORDER BY period_start DESC LIMIT 1
  );
END;
CREATE TRIGGER invoices_immutable BEFORE UPDATE OF
  number, series, sequence, origin, tenant_id, subscription_id, currency, subtotal_minor,
  seller_id, buyer_id, issued_on, due_on, period_start, period_end ON invoices
WHEN OLD.origin <> 'imported'
BEGIN
  SELECT RAISE(ABORT, 'an issued invoice cannot be changed');
END;
CREATE TRIGGER invoices_discounted_once BEFORE UPDATE OF
  discount_minor, tax_rate, tax_minor, total_minor, coupon_id ON invoices
WHEN OLD.origin <> 'imported'
  AND (OLD.status <> 'open' OR OLD.paid_minor > 0 OR OLD.coupon_id IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'a coupon is taken off an open, unpaid invoice, and once');
END;
CREATE TRIGGER invoices_unvoid BEFORE UPDATE OF status ON invoices
WHEN OLD.status = 'void' AND NEW.status <> 'void'
BEGIN
  SELECT RAISE(ABORT, 'a void invoice stays void');
END;
CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices
BEGIN
  SELECT RAISE(ABORT, 'an invoice cannot be deleted');
END;
CREATE TRIGGER invoice_lines_no_delete BEFORE DELETE ON invoice_lines
BEGIN
  SELECT RAISE(ABORT, 'a line of an invoice cannot be deleted');
END;
CREATE INDEX transactions_invoice ON transactions (invoice_id);
CREATE INDEX transactions_tenant ON transactions (tenant_id);
CREATE UNIQUE INDEX transactions_reference ON transactions (reference)
  WHERE kind = 'payment' AND reference IS NOT NULL AND reversed_at IS NULL;
CREATE UNIQUE INDEX transactions_live ON transactions (invoice_id)
  WHERE kind = 'charge' AND status IN ('pending', 'unknown');
CREATE INDEX transactions_retry ON transactions (next_retry_at, id) WHERE next_retry_at IS NOT NULL;
CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions
BEGIN
  SELECT RAISE(ABORT, 'a transaction cannot be deleted');
END;
CREATE INDEX charge_attempts_transaction ON charge_attempts (transaction_id);
CREATE INDEX redemptions_coupon ON redemptions (coupon_id, tenant_id);
CREATE INDEX redemptions_tenant ON redemptions (tenant_id);
CREATE UNIQUE INDEX redemptions_subscription ON redemptions (subscription_id)
  WHERE subscription_id IS NOT NULL AND ended_at IS NULL AND returned_at IS NULL;
CREATE INDEX redemptions_of_subscription ON redemptions (subscription_id, id)
  WHERE subscription_id IS NOT NULL AND returned_at IS NULL;
CREATE TRIGGER redemptions_counted AFTER INSERT ON redemptions WHEN NEW.returned_at IS NULL
BEGIN
  UPDATE coupons SET current_uses = current_uses + 1 WHERE id = NEW.coupon_id;
END;
CREATE TRIGGER redemptions_returned AFTER UPDATE OF returned_at ON redemptions
WHEN OLD.returned_at IS NULL AND NEW.returned_at IS NOT NULL
BEGIN
  UPDATE coupons SET current_uses = current_uses - 1 WHERE id = NEW.coupon_id;
END;
CREATE TRIGGER redemptions_stay_returned BEFORE UPDATE OF returned_at ON redemptions
WHEN OLD.returned_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a use that was returned stays returned');
END;
CREATE TRIGGER redemptions_no_delete BEFORE DELETE ON redemptions
BEGIN
  SELECT RAISE(ABORT, 'a redemption cannot be deleted');
END;
CREATE UNIQUE INDEX coupon_usages_invoice ON coupon_usages (invoice_id) WHERE returned_at IS NULL;
CREATE INDEX coupon_usages_coupon ON coupon_usages (coupon_id, id);
CREATE INDEX coupon_usages_redemption ON coupon_usages (redemption_id);
CREATE INDEX coupon_usages_tenant ON coupon_usages (tenant_id);
CREATE TRIGGER coupon_usages_no_delete BEFORE DELETE ON coupon_usages
BEGIN
  SELECT RAISE(ABORT, 'a usage of a coupon cannot be deleted');
END;
CREATE INDEX dunning_steps_email ON dunning_steps (email_id) WHERE email_id IS NOT NULL;
CREATE INDEX emails_due ON emails (next_try_at, id) WHERE next_try_at IS NOT NULL;
CREATE INDEX emails_tenant ON emails (tenant_id);
CREATE INDEX events_tenant ON events (tenant_id, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX events_invoice ON events (invoice_id, id) WHERE invoice_id IS NOT NULL;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE INDEX runs_task ON runs (task, id);
CREATE INDEX runs_running ON runs (phase) WHERE phase IS NOT NULL;
COMMIT;
PRAGMA application_id = 1112099916;
PRAGMA user_version = 3;
