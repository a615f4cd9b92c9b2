/* LD_PRELOAD for the unmodified ioquake3: virtual clock (1/FPS per buffer swap), frame dump, cheap seeking.
   OA_FPS (60), OA_FILE raw RGB24 output (right side up), OA_F0/OA_F1 frames dumped [F0,F1),
   OA_D0 rasterizer discard from frame D0 until F0-12; OA_QUIT=1: exit after F1. Frames are counted from the
   first swap. gcc -O2 -shared -fPIC -o oaclock.so oaclock.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long frame, calls; static double extra; /* ms */
static int inited, fps, quit; static long f0, f1, d0; static FILE *out; static int disc;
static long envl(const char *n, long d){ const char *s=getenv(n); return s&&*s?atol(s):d; }
static void init(void){ if(inited) return; inited=1; fps=envl("OA_FPS",60); f0=envl("OA_F0",1L<<40); f1=envl("OA_F1",1L<<40);
  d0=envl("OA_D0",1L<<40); quit=envl("OA_QUIT",0); const char*p=getenv("OA_FILE"); if(p) out=fopen(p,"ab"); }
int gettimeofday(struct timeval *tv, void *tz){ init(); (void)tz;
  if(++calls>5000){ calls=0; extra+=1; }
  long us=(long)(frame*1e6/fps)+(long)(extra*1000); tv->tv_sec=1700000000+us/1000000; tv->tv_usec=us%1000000; return 0; }
time_t time(time_t *t){ struct timeval tv; init(); long us=(long)(frame*1e6/fps); (void)tv; time_t r=1700000000+us/1000000; if(t)*t=r; return r; }
typedef void (*swap_t)(void*); typedef void*(*gpa_t)(const char*);
void SDL_GL_SwapWindow(void *w){ static swap_t real; static void (*rp)(int,int,int,int,unsigned,unsigned,void*);
  static void (*en)(unsigned), (*dis)(unsigned), (*ps)(unsigned,int), (*size)(void*,int*,int*), (*gi)(unsigned,int*); static unsigned char *buf;
  init();
  if(!real){ real=(swap_t)dlsym(RTLD_NEXT,"SDL_GL_SwapWindow"); gpa_t g=(gpa_t)dlsym(RTLD_NEXT,"SDL_GL_GetProcAddress");
    size=dlsym(RTLD_NEXT,"SDL_GL_GetDrawableSize"); rp=g("glReadPixels"); en=g("glEnable"); dis=g("glDisable"); ps=g("glPixelStorei"); gi=g("glGetIntegerv"); }
  if(out && frame>=f0 && frame<f1){ int W,H; size(w,&W,&H); if(!buf) buf=malloc((size_t)W*H*3);
    int al; gi(0x0D05,&al); ps(0x0D05,1); rp(0,0,W,H,0x1907,0x1401,buf); ps(0x0D05,al);
    for(int y=H-1;y>=0;y--) fwrite(buf+(size_t)y*W*3,1,(size_t)W*3,out); 
    if(frame==f0) fprintf(stderr,"OACLOCK dump %dx%d from %ld\n",W,H,frame); }
  if(!disc) real(w);
  frame++; calls=0;
  int want = frame>=d0 && frame < f0-12;
  if(want!=disc){ if(want) en(0x8C89); else dis(0x8C89); disc=want; fprintf(stderr,"OACLOCK frame %ld discard %d\n",frame,want); }
  if(quit && frame>=f1){ if(out) fclose(out); fflush(0); _exit(0); }
}
