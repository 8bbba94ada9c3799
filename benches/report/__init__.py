"""From results.json to report.md and index.html: figures, goals, charts, pages. Measures nothing."""
