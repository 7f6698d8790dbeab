-- What an operator said when ending a warning by hand; "ended_because" says who or what ended it, this says why.

ALTER TABLE denm_event ADD COLUMN ended_note text NOT NULL DEFAULT '';
