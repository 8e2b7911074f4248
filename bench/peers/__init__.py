"""What a user would take instead: ``peer(case, seed) -> (C, H, W)``, each told at least as much as ipse is.

Peers are told the noise level (of a JPEG: its true error) wherever there is one to tell; ipse is not.
"""

from bench.peers import classical, learned
from bench.peers.peer import Peer

PEERS: dict[str, Peer] = {
    "damaged": Peer(classical.damaged, tasks=("denoise", "inpaint", "dejpeg")),
    "bicubic": Peer(classical.bicubic, tasks=("upscale",)),
    "nlm": Peer(classical.nlm, needs=("skimage.restoration:denoise_nl_means",)),
    "wavelet": Peer(classical.wavelet, needs=("skimage.restoration:denoise_wavelet", "pywt")),
    "tv": Peer(classical.tv, needs=("skimage.restoration:denoise_tv_chambolle",)),
    "bm3d": Peer(classical.bm3d, needs=("bm3d",)),
    "biharmonic": Peer(
        classical.biharmonic, tasks=("inpaint",), needs=("skimage.restoration:inpaint_biharmonic",)
    ),
    "zs-n2n": Peer(learned.zs_n2n, tasks=("denoise",), needs=("torch", "bench.peers.zs_n2n"), random=True),
    "deepinv-dip": Peer(
        learned.deepinv_dip,
        tasks=("denoise", "inpaint"),
        needs=("bench.peers.deepinv_dip", "deepinv"),
        random=True,
    ),
}
