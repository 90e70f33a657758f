// Written by another part of the page.
