"""What browsers are given: the web application, and the page that explains the API."""
