-- Searches fold case by a function that the program registers with each connection.
SELECT 1;
