#!/bin/sh
# Makes the two font files of this folder from Inter 3.19 (Debian's package fonts-inter; https://rsms.me/inter):
# Latin, Greek, superscripts, subscripts and the signs that figures use; kerning and tabular figures are kept.
# Needs fonttools (`pip install fonttools`). Run it in this folder.
set -eu
from=${1:-/usr/share/fonts/opentype/inter}
signs='U+0020-007E,U+00A0-017F,U+0218-021B,U+0384-03CE,U+03D1,U+03D5,U+03F5,U+2010-2016,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032,U+2033,U+2070-2071,U+2074-208E,U+2190-2193,U+2113,U+2126,U+2202,U+2206,U+220F,U+2211,U+2212,U+2215,U+2219,U+221A,U+221E,U+2248,U+2260,U+2264,U+2265,U+25CB,U+25CF,U+FFFD'
for weight in Regular SemiBold; do
  pyftsubset "$from/Inter-$weight.otf" --unicodes="$signs" --layout-features=kern,tnum,mark,mkmk,ccmp \
    --no-hinting --name-IDs=0,1,2,3,4,5,6,13,14 --output-file="Inter-$weight.otf"
done
