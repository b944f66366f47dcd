"""A small SentencePiece normalisation table, in the compiled form that tokenizer.json carries.

Compiled by sentencepiece's trainer (`normalization_rule_tsv`) from these rules: U+FF01..FF5E to ASCII;
NFKC of U+FB01-FB03, 2126, 210C, 2167, BD, B2, 212B, 2026, 2122; tab, line ends, U+3000, A0, 2003, 2028,
200B, 200C, FEFF to a space; U+AD, 1, 7, 7F to nothing; a letter and its combining mark composed for
e E a + U+301, o u + U+308, U+304B + U+3099, A + U+30A, n + U+303.
"""

import base64
import zlib

_PACKED = (
    "eNpt1Xt0z3Ucx/HX9yLmUqlWKauWFtKWYbEQS9JCEglJiIXWSAi5/Ha/j12MMZcNu7BhzBgb1e84HSfSzek4OdUslSLdVqlUz8/v"
    "54/+aMfjfL7f7++7fX+/n/fz+1UbSe1lfjxWB+n4AFutAyWL/YxW0qesx9vYahsuBQyU4oOkz8yx9rY6hLK/TGq6ek485395dTuR"
    "v/W12e5sK43j35rtfrYusqbxNx5g7Y47sXm1OejoOZYFSK6ylVTr6Ae2l6Kc63pqwDXje9rKTHJUzX4z+wn8/Z95qYhr7GmUtrFt"
    "3mMFa2KklBAglbB95EfJYeU0T2s0ZvN5WNuZ8wItVb3vKKoPn4n9rCJL17EO5XN0ZM2MsHQjK1+L5xZ0wu0IMud2t9QoVw0jLHVh"
    "PwRdwdflOTTYUW/WCPQFb8fTH+bjDEIUhpjrYBimZtnakWspmu2y85ZmXLA1nO2RGIXSEEsV9ZbmnLEV97GtsmBLozk+Bs/gWUzA"
    "83jBfJceW1NZX8QMvIRZWNFi6WXWVzAHCRf5/2qx9ar57s7ZSglylGo5SmqylYyMAEeZSItwlM6ag5XLHGWxZiMvwlZ+R0erWjnK"
    "5XcLOW/NQEcF7K9mXRfoaD3H17JfxLqxxdGmc46K2d9wxVFpiKMtkY42c15JqKOyCY7KsRXbsH2Box2LHVUE26rkujs5tgtVqMYe"
    "rrH3hLSbtYZr1x21tP+EpdrTlvadsnTwmKVDOMDnrmc9XGPpCBrYbuTc1/jcb7uWFrG+QwhvYon5LsxsmLllP5k1FelmHnCMY4yQ"
    "513Wlay5yIcZ5TVmHvEhr61nPcO6gXUTPmd7B+tp1mrWXWjuZuksxZkR34t92I96M0NmVs384i14ccmVzvP7R/3v17wX8z48fAWe"
    "k/gAH+EUPvFfy3OF8//GP/gdl/EH/pT/h95ly9cI0yzRia4BrcjcImhFbdHu6u2CTnQt6ETXg050A+hEN4FWdDPoRbeCZnQb6Ead"
    "QTu6A/SvuxCMu0FDugd0pHtBS+oG7hW6Dz1wP7j1KEy++4h6gt7UC/SmPqA5PQi6Uz/Qnh4C/WkAaFAPgw41GLSoR0CPehQ0qcdA"
    "l3ocNKknQI8aAZrUk6BLPQU61NOgRY0FPWocaFLjQZeaCO5xmgQa1WTQqaaATjUNtKrpoFfFgGY1E3Sr2aBbxYJ2FQf61VzQruaB"
    "WdZ8cB/VQrwO5lqL/TOtN8A9Vdy2tRwrzI0fzLoSwLwryT/vSgEzrzQw98oAs68s/+wrxz/7WgXmX3mgARWADlQIWtBa0IPW+XtQ"
    "sb8HbQRNaLN892iVYgu2yncfVxnK5buXqxLb/e2oyt+OdoJ+tBu0oz2gH9WChlQHOtIB0JIOgp7UAJrSYRwx77/EVS7ykI+CSler"
    "UXja1RqsPe+qCOsuu1qPYrY3YCOvnTTfX4CreCR0cpWIpA6uksNdpSA11FUax9KR0eQqE1nIRg5W4gv5nqHcA3imyfcM1Tl8Jd8z"
    "VN/I3zvPUH2HC+A5qu9xCTwnxeNNP4FnoX5BC37Fb//T+1/47/2AAIOJrwvhhRBdV4LrTmw9CC2UyMLCwsisJ4mFn41P6kVmvUks"
    "grz6klYkWfUnqYHkNIiUoshoCAkNJZ9hpBNNNsNJZiS5jCKV0WQyhkTGjqSRcRoXHR1NJOMJZCJxTCKMyUQxhSCmEcN0QohRTMws"
    "mX+x5DCTFGaTQSwJxDH+cxn9eYz9fEZ+IeO+iFFfwpgvZcSXy5ssb7q8JfJWylsjb528DXqvUs3xWfoXBsaw0w=="
)

CHARSMAP = zlib.decompress(base64.b64decode(_PACKED))
