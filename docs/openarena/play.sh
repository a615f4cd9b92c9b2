#!/bin/bash
# play.sh MAP HOME W H F0 F1 OUT.rgb : replays demos/MAP.dm_71, dumps swaps F0..F1-1 as raw RGB24
. "$(dirname "$0")/common.sh"
m=$1; h=$2; mkdir -p $T/$h/.openarena/baseoa/demos; cp $R/demos/$m.dm_71 $T/$h/.openarena/baseoa/demos/
CFG=; [ "$APPEND" = 1 ] || rm -f $7
OA_FPS=60 OA_F0=$5 OA_F1=$6 OA_D0=${D0:-150} OA_QUIT=1 OA_FILE=$7 oa $h $3 $4 $R/log/play_${m}_$4.log +set nextdemo quit $EXTRA +demo $m
ls -l $7
