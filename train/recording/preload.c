/* Makes an unmodified SDL 2 + OpenGL game deterministic, and hands over its frames.

   Loaded into the game with LD_PRELOAD; temporal_clean.train.recording.preload compiles it and
   sets its variables:

     TC_FPS           frames a second of game time (60)
     TC_SEED          seed of every random number the game asks the C library for (0)
     TC_ORIGIN        frames are counted from the first buffer swap after the game opens a file
                      whose path ends so ("the level is loaded"); without it from the first swap
     TC_FIRST         first frame written
     TC_COUNT         frames written (0); the process then leaves at once with status 0
     TC_FILE          where to: RGB24, top row first, frame after frame; a file, FIFO or /dev/fd/N
     TC_SHIFT         milliseconds that the clock gains once, at frame 30 (0): a game that counts whole
                      milliseconds and steps is thereby kept away from the brink between two steps
     TC_DISCARD_FROM  from this frame on nothing is rasterized, until TC_SETTLE (12) frames before
                      TC_FIRST: seeking costs only what the game itself computes
     TC_MIP_BIAS      added to the mip level of each texture (0), compatibility contexts only
     TC_KEYS          scripted keys "FRAME:NAME:1,FRAME:NAME:0", NAME as SDL_GetScancodeFromName
                      wants it, 1 pressed, 0 released

   A preloaded shell (the game's start script) is not disturbed: all starts at the first swap. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define NEVER (1L << 40)

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

/* The game must not outlive the recorder that waits for it. */
__attribute__((constructor)) static void follow_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

/* Only the game's main thread lives in virtual time: the threads of drivers and libraries sleep
   and time out as ever. */
static int in_main_thread(void) { return syscall(SYS_gettid) == getpid(); }

/* ---- The clock: TC_FPS ticks a second, one tick a buffer swap ---------------------------------
   It stands still in between, however often it is read; sleeping moves it on without waiting. A
   swap goes to the next whole tick, so sleeps shorter than a frame leave no trace. */

static long ticks;          /* whole ticks at the last swap */
static long long slept;     /* ns since the last swap */
static long reads;          /* of the clock since it last moved */
static long long gained;    /* ns, by TC_SHIFT */

static long long tick_time(long count) { return count * SECOND / setting("TC_FPS", 60); }

static long long now(void) {
    /* A loop that waits for time to pass without sleeping would wait forever. */
    if (++reads > 5000) {
        reads = 0;
        slept += SECOND / 1000;
    }
    return 1700000000 * SECOND + tick_time(ticks) + slept + gained;
}

static void sleep_for(long long nanoseconds) {
    slept += nanoseconds;
    if (nanoseconds > 0) reads = 0;
}

static void tick(void) {
    long long reached = tick_time(ticks) + slept;
    while (tick_time(ticks) <= reached) ticks++;
    slept = 0;
    reads = 0;
}

int clock_gettime(clockid_t clock, struct timespec *result) {
    int wall = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW
        || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    if (!wall || !in_main_thread()) return (int)syscall(SYS_clock_gettime, clock, result);
    long long time = now();
    result->tv_sec = time / SECOND;
    result->tv_nsec = time % SECOND;
    return 0;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
    (void)zone;
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    result->tv_sec = time.tv_sec;
    result->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    if (result) *result = time.tv_sec;
    return time.tv_sec;
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
    if (!in_main_thread()) return (int)syscall(SYS_nanosleep, wanted, left);
    sleep_for(wanted->tv_sec * SECOND + wanted->tv_nsec);
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
    if (!in_main_thread())
        return syscall(SYS_clock_nanosleep, clock, flags, wanted, left) ? errno : 0;
    long long time = wanted->tv_sec * SECOND + wanted->tv_nsec;
    if (flags & TIMER_ABSTIME) time -= now();
    if (time > 0) sleep_for(time);
    return 0;
}

int usleep(useconds_t microseconds) {
    struct timespec wanted = {microseconds / 1000000, microseconds % 1000000 * 1000};
    return nanosleep(&wanted, NULL);
}

unsigned sleep(unsigned seconds) {
    struct timespec wanted = {seconds, 0};
    return nanosleep(&wanted, NULL) ? seconds : 0;
}

int select(int count, fd_set *in, fd_set *out, fd_set *bad, struct timeval *wanted) {
    static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    if (!real) real = next("select");
    if (!wanted || !in_main_thread()) return real(count, in, out, bad, wanted);
    struct timeval none = {0, 0};
    int ready = real(count, in, out, bad, &none);
    if (ready == 0) sleep_for(wanted->tv_sec * SECOND + wanted->tv_usec * 1000LL);
    return ready;
}

/* ---- Random numbers: a stream of its own for each place in the code that asks -----------------
   So what one place draws (the head in a status bar, say) leaves all others as they were, and a
   rendering with the HUD shows the same sparks as one without. srand is ignored. */

static uint64_t mix(uint64_t x) { /* splitmix64, Steele et al. 2014 */
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#define PLACES 1024 /* a power of two; more places than this share streams */
static __thread struct { const void *place; uint64_t state; } streams[PLACES];

static int draw(const void *place) {
    unsigned slot = (unsigned)mix((uintptr_t)place) % PLACES, tries = 0;
    while (streams[slot].place && streams[slot].place != place && ++tries < PLACES)
        slot = (slot + 1) % PLACES;
    if (!streams[slot].place) { /* where in its library, wherever that is loaded */
        Dl_info info = {0};
        uintptr_t base = dladdr(place, &info) ? (uintptr_t)info.dli_fbase : 0;
        streams[slot].place = place;
        streams[slot].state = mix(((uintptr_t)place - base) ^ mix((uint64_t)setting("TC_SEED", 0)));
    }
    return (int)(mix(streams[slot].state++) >> 33);
}

int rand(void) { return draw(__builtin_return_address(0)); }
long random(void) { return draw(__builtin_return_address(0)); }
void srand(unsigned seed) { (void)seed; }
void srandom(unsigned seed) { (void)seed; }

/* ---- Files: /dev/urandom holds fixed bytes; opening TC_ORIGIN starts the count ---------------- */

static long frame; /* of play; negative while not counting */
static int counting = -1;

static FILE *fixed_bytes(void) {
    static uint64_t bytes[512];
    for (int i = 0; i < 512; i++) bytes[i] = mix((uint64_t)setting("TC_SEED", 0) * 512 + i);
    return fmemopen(bytes, sizeof bytes, "rb");
}

static void see_opened(const char *path) {
    const char *origin = getenv("TC_ORIGIN");
    if (!origin || counting == 1) return;
    size_t whole = strlen(path), tail = strlen(origin);
    if (whole < tail || strcmp(path + whole - tail, origin)) return;
    counting = 1;
    frame = 0;
    fprintf(stderr, "TC: counting frames from tick %ld\n", ticks);
}

static FILE *open_file(const char *path, const char *mode, const char *function) {
    FILE *(*real)(const char *, const char *) = next(function);
    if (!strcmp(path, "/dev/urandom") || !strcmp(path, "/dev/random")) return fixed_bytes();
    FILE *file = real(path, mode);
    if (file) see_opened(path);
    return file;
}

FILE *fopen(const char *path, const char *mode) { return open_file(path, mode, "fopen"); }
FILE *fopen64(const char *path, const char *mode) { return open_file(path, mode, "fopen64"); }

/* ---- OpenGL, by number: no headers are needed to build this ----------------------------------- */

enum {
    GL_PACK_ALIGNMENT = 0x0D05, GL_UNSIGNED_BYTE = 0x1401, GL_RGB = 0x1907,
    GL_TEXTURE0 = 0x84C0, GL_ACTIVE_TEXTURE = 0x84E0, GL_TEXTURE_FILTER_CONTROL = 0x8500,
    GL_TEXTURE_LOD_BIAS = 0x8501, GL_RASTERIZER_DISCARD = 0x8C89,
};
static void (*glReadPixels)(int, int, int, int, unsigned, unsigned, void *);
static void (*glEnable)(unsigned), (*glDisable)(unsigned), (*glActiveTexture)(unsigned);
static void (*glPixelStorei)(unsigned, int), (*glGetIntegerv)(unsigned, int *);
static void (*glTexEnvf)(unsigned, unsigned, float);
static void (*swap)(void *), (*drawable_size)(void *, int *, int *);

static void load_functions(void) {
    void *(*gl)(const char *) = next("SDL_GL_GetProcAddress");
    swap = next("SDL_GL_SwapWindow");
    drawable_size = next("SDL_GL_GetDrawableSize");
    glReadPixels = gl("glReadPixels");
    glEnable = gl("glEnable");
    glDisable = gl("glDisable");
    glActiveTexture = gl("glActiveTexture");
    glPixelStorei = gl("glPixelStorei");
    glGetIntegerv = gl("glGetIntegerv");
    glTexEnvf = gl("glTexEnvf");
}

/* Set anew at each swap: a game may make a new context, or set it itself. */
static void set_mip_bias(void) {
    const char *bias = getenv("TC_MIP_BIAS");
    if (!bias || atof(bias) == 0) return;
    int active;
    glGetIntegerv(GL_ACTIVE_TEXTURE, &active);
    for (unsigned unit = 0; unit < 8; unit++) { /* what compatibility contexts offer at least */
        glActiveTexture(GL_TEXTURE0 + unit);
        glTexEnvf(GL_TEXTURE_FILTER_CONTROL, GL_TEXTURE_LOD_BIAS, (float)atof(bias));
    }
    glActiveTexture((unsigned)active);
}

/* A game that sets a bias itself (Irrlicht does, texture by texture) gets the sum. */
static void biased_glTexEnvf(unsigned target, unsigned name, float value) {
    const char *bias = getenv("TC_MIP_BIAS");
    int ours = target == GL_TEXTURE_FILTER_CONTROL && name == GL_TEXTURE_LOD_BIAS && bias;
    glTexEnvf(target, name, ours ? value + (float)atof(bias) : value);
}

void *SDL_GL_GetProcAddress(const char *name) {
    void *(*real)(const char *) = next("SDL_GL_GetProcAddress"), *function = real(name);
    if (!function || strcmp(name, "glTexEnvf")) return function;
    glTexEnvf = function;
    return biased_glTexEnvf;
}

static void write_frame(void *window) {
    static FILE *file;
    static unsigned char *pixels;
    int width, height, alignment;
    drawable_size(window, &width, &height);
    size_t row = (size_t)width * 3;
    if (!file) {
        file = fopen(getenv("TC_FILE"), "wb");
        pixels = malloc(row * (size_t)height);
        if (!file || !pixels) { perror("TC: cannot write TC_FILE"); _exit(70); }
        fprintf(stderr, "TC: writing %dx%d from frame %ld\n", width, height, frame);
    }
    glGetIntegerv(GL_PACK_ALIGNMENT, &alignment);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE, pixels);
    glPixelStorei(GL_PACK_ALIGNMENT, alignment);
    for (int y = height - 1; y >= 0; y--) /* OpenGL's first row is the lowest */
        if (fwrite(pixels + (size_t)y * row, 1, row, file) != row) _exit(71);
    fflush(file);
}

/* ---- Keys: SDL's event as bytes, its first fields those of SDL_KeyboardEvent ------------------ */

struct key_event {
    uint32_t type, timestamp, window; uint8_t pressed, repeat, padding[2];
    int32_t scancode, key; uint16_t modifiers; uint32_t unused; uint8_t rest[64];
};

static void press_keys(void) {
    static int (*push)(void *), (*scancode)(const char *), (*key)(int);
    const char *script = getenv("TC_KEYS");
    if (!push) {
        push = next("SDL_PushEvent");
        scancode = next("SDL_GetScancodeFromName");
        key = next("SDL_GetKeyFromScancode");
    }
    for (; script && *script; script = strchr(script, ',') ? strchr(script, ',') + 1 : NULL) {
        long at;
        int pressed;
        char name[32];
        if (sscanf(script, "%ld:%31[^:]:%d", &at, name, &pressed) != 3 || at != frame) continue;
        struct key_event event = {.type = pressed ? 0x300 : 0x301, .pressed = (uint8_t)pressed};
        event.scancode = scancode(name);
        event.key = key(event.scancode);
        push(&event);
    }
}

/* ---- The end of a frame ----------------------------------------------------------------------- */

void SDL_GL_SwapWindow(void *window) {
    static int discarding;
    if (!swap) load_functions();
    if (counting < 0) counting = !getenv("TC_ORIGIN");
    long first = setting("TC_FIRST", NEVER), end = first + setting("TC_COUNT", 0);
    if (counting && frame >= first && frame < end) write_frame(window);
    if (!discarding) swap(window);
    tick();
    set_mip_bias();
    if (!counting) return;
    if (++frame >= end) _exit(0);
    if (frame == 30) /* when a game has set its own clock for the level */
        gained = setting("TC_SHIFT", 0) * SECOND / 1000;
    press_keys();
    int wanted = frame >= setting("TC_DISCARD_FROM", NEVER) && frame < first - setting("TC_SETTLE", 12);
    if (wanted != discarding) (wanted ? glEnable : glDisable)(GL_RASTERIZER_DISCARD);
    discarding = wanted;
}
