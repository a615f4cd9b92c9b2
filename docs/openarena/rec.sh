#!/bin/bash
# rec.sh MAP GAMETYPE HOME : bots play, a spectator follows; records demos/MAP.dm_71
. "$(dirname "$0")/common.sh"
m=$1; gt=$2; h=$3; CFG=$T/rec_$m.cfg
cat > $CFG <<C
set g_gametype $gt
set sv_pure 0
set sv_fps 60
set snaps 60
set sv_maxclients 16
set rate 90000
set sv_maxRate 0
set sv_lanForceRate 1
set g_doWarmup 0
set timelimit 0
set fraglimit 0
set capturelimit 0
set bot_enable 1
set bot_nochat 1
set bot_thinktime 30
set g_spSkill 4
set cg_autoswitch 1
map $m
wait 200
team spectator
wait 20
addbot sarge 4
addbot beret 4
addbot neko 4
addbot sergei 4
addbot rai 4
addbot penguin 4
wait ${WARM:-2000}
team spectator
follownext
wait 60
${FOLLOW:-}
record $m
wait ${LEN:-2800}
stoprecord
quit
C
rm -f $T/$h/.openarena/baseoa/demos/$m.dm_71
OA_D0=${D0:-400} oa $h 320 180 $R/log/rec_$m.log +exec run.cfg
cp $T/$h/.openarena/baseoa/demos/$m.dm_71 $R/demos/ ; ls -l $R/demos/$m.dm_71
