"""The brake over a partner's sites: versions that keep going wrong rest until a person says so."""
