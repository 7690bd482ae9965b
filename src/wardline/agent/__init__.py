"""What runs on a clinic's appliance."""
