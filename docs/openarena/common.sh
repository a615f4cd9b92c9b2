S=$(cd "$(dirname "$0")" && pwd); R=${R:?set R to the folder for recordings}; T=$R/tmp; mkdir -p $T $R/demos $R/log
# oa HOMENAME W H LOG args...
oa(){ local h=$T/$1 w=$2 hh=$3 log=$4; shift 4; mkdir -p $h/.openarena/baseoa/demos; cp $S/autoexec.cfg $h/.openarena/baseoa/
 [ -n "$CFG" ] && cp "$CFG" $h/.openarena/baseoa/run.cfg
 HOME=$h LIBGL_ALWAYS_SOFTWARE=1 LP_NUM_THREADS=1 SDL_AUDIODRIVER=dummy LD_PRELOAD=$R/oaclock.so timeout ${TMO:-300} /usr/games/openarena +set r_customwidth $w +set r_customheight $hh +set r_mode -1 +set r_fullscreen 0 +set cl_renderer opengl1 +set s_initsound 0 +set com_maxfps 0 +set ttycon 0 +set net_enabled 0 "$@" >$log 2>&1 </dev/null; }
