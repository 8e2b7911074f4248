"""θ_1*, θ_2*, …: several fits computed together, step by step, if the device has enough memory."""
