"""Tests of the mailbox and of the mails that reach it."""
