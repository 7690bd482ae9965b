"""Appliances and their hosts: enrolment, check-in, and who is online."""
