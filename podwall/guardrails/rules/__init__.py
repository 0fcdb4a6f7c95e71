"""The rules, by what they are about. None of these modules starts anything."""
