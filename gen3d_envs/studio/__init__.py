"""The studio: a local page on which people who do not program robots make scenes.

:mod:`session` holds what can be done, without a page; :mod:`page` and :mod:`stage` show it through viser (the extra
``viewer``); :mod:`worker` keeps long work out of the page's way.
"""
