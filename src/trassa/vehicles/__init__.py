"""What cars and road tell each other: messages, hazards, relevance (ETSI ITS). Pure; knows no broker and no store."""
