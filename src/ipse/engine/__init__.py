"""The deep image prior: x* = f_θ*(z), θ* = argmin_θ E(A f_θ(z); y) + R(f_θ(z)).

operators A · networks f · latents z · objectives E, R · fit argmin · stopping *
"""
