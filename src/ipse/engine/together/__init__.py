"""θ_1*, θ_2*, …: several fits, a step of all at once, where a device has room for them."""
