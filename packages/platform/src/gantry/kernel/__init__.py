"""Words that every room uses: ids, errors, transactions, paging."""
