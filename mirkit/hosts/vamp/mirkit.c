/* The Vamp plug-ins of mirkit: a thin library that hands the audio to a Python process.

   Python never runs inside the host: whatever happens to the worker, the host gets an empty
   result and a line on stderr. Host and worker talk over a pair of sockets. Every message is

       u8 type, u32 length, `length` bytes        in the byte order of the machine

   to the worker:   'H' hello: u32 protocol, u32 channels, f64 sample rate [Hz], f64 parameter 0,
                        identifier
                    'A' audio: f32 samples, channels interleaved; the worker mixes them
                    'F' finish        'Z' reset: start anew
   from the worker: 'R' ready, after hello
                    'E' error: text                    both answer 'F'
                    'O' output: u32 n, n features of u32 output, f64 time [s], f64 duration [s] or
                        NaN, u32 n values, f32 values, u32 length of label, label

   `mirkit vamp install` compiles this with MIRKIT_PYTHON, MIRKIT_ROOT and MIRKIT_VERSION. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE instead */
#endif

enum { PROTOCOL = 2, PREFERRED_STEP = 1024, MAX_CHANNELS = 16, BUFFERED = 16384 };
static const uint32_t LONGEST_REPLY = 1u << 28;
static const double START_SECONDS = 60, LEAST_SECONDS = 60, SECONDS_PER_SECOND = 4;

extern char **environ;

/* ------------------------------------------------------------------ what hosts can ask for */

static const Output BEAT_OUTPUTS[] = {
    {"beats", "Beats", "Each beat; its label is bar:beat", "", 1, 0, NULL, 0, 0, 0, 0, 0,
     SAMPLE_RATE_VARIABLE, 0, 0},
    {"downbeats", "Downbeats", "The first beat of each bar; its label is bar:beat", "", 1, 0, NULL,
     0, 0, 0, 0, 0, SAMPLE_RATE_VARIABLE, 0, 0},
    {"tempo", "Tempo", "The tempo of each stretch that keeps one", "bpm", 1, 1, NULL, 0, 0, 0, 0, 0,
     SAMPLE_RATE_VARIABLE, 0, 1},
};
static const Output CHORD_OUTPUTS[] = {
    {"chords", "Chords", "Chord labels in Harte's syntax, such as C#:min7/b3", "", 1, 0, NULL, 0, 0,
     0, 0, 0, SAMPLE_RATE_VARIABLE, 0, 1},
};
static const Output KEY_OUTPUTS[] = {
    {"key", "Key", "Keys: 0 is C major, 11 B major, 12 C minor, 23 B minor", "", 1, 1, NULL, 1, 0,
     23, 1, 1, SAMPLE_RATE_VARIABLE, 0, 1},
};

static const Parameter HINT = {
    "hintbpm", "Expected tempo", "Take the metrical level nearest to this tempo; 0 for any", "bpm",
    0, 300, 0, 0, 0, NULL};
static const char *VOCABULARY_NAMES[] = {"Major and minor", "Sevenths", "Full", NULL};
static const Parameter VOCABULARY = {
    "vocabulary", "Vocabulary", "Which chords are told apart", "", 0, 2, 2, 1, 1, VOCABULARY_NAMES};
static const Parameter *BEAT_PARAMETERS[] = {&HINT};
static const Parameter *CHORD_PARAMETERS[] = {&VOCABULARY};

typedef struct {
    const Output *outputs;
    unsigned int n_outputs;
} Kind;

static const Kind KINDS[] = {{BEAT_OUTPUTS, 3}, {CHORD_OUTPUTS, 1}, {KEY_OUTPUTS, 1}};
enum { N_PLUGINS = 3, MOST_OUTPUTS = 3 };

/* ------------------------------------------------------------------ one instance */

typedef struct {
    const Descriptor *descriptor;
    const Kind *kind;
    float sample_rate, parameter;
    unsigned int n_channels, step, block;
    pid_t worker; /* 0 for none */
    int socket;   /* -1 for none */
    int failed;   /* why was told; nothing more comes of this recording */
    int started;  /* whether a block has come */
    double origin; /* time of the first block [s] */
    double n_sent; /* samples of this recording so far */
    float *waiting, *tail;
    size_t n_waiting;
    FeatureList lists[MOST_OUTPUTS];
} Plugin;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* MIRKIT_VAMP_TIMEOUT [s], or what is usual. */
static double patience(double usual)
{
    const char *given = getenv("MIRKIT_VAMP_TIMEOUT");
    double seconds = given ? atof(given) : 0;
    return seconds > 0 ? seconds : usual;
}

static void stop_worker(Plugin *p, double seconds)
{
    if (p->socket >= 0) close(p->socket); /* the worker ends when it reads the end */
    p->socket = -1;
    if (p->worker <= 0) return;
    double deadline = now() + seconds;
    while (waitpid(p->worker, NULL, WNOHANG) == 0) {
        if (now() >= deadline) {
            kill(p->worker, SIGKILL);
            waitpid(p->worker, NULL, 0);
            break;
        }
        usleep(2000);
    }
    p->worker = 0;
}

/* Tell what went wrong, once, and end the worker. Returns 0. */
static int fail(Plugin *p, const char *what, const char *detail)
{
    if (!p->failed)
        fprintf(stderr, "mirkit (Vamp plug-in %s): %s%s%s\n", p->descriptor->identifier, what,
                detail ? ": " : "", detail ? detail : "");
    p->failed = 1;
    stop_worker(p, 0);
    return 0;
}

static int fail_dead(Plugin *p)
{
    int status = 0;
    char detail[80] = "its messages are above; `mirkit vamp doctor` looks for the cause";
    if (p->worker > 0) {
        double deadline = now() + 1;
        pid_t ended;
        while ((ended = waitpid(p->worker, &status, WNOHANG)) == 0 && now() < deadline) usleep(2000);
        if (ended == p->worker) {
            p->worker = 0;
            if (WIFSIGNALED(status))
                snprintf(detail, sizeof detail, "killed by signal %d", WTERMSIG(status));
            else if (WIFEXITED(status))
                snprintf(detail, sizeof detail, "exit status %d; try `mirkit vamp doctor`",
                         WEXITSTATUS(status));
        }
    }
    return fail(p, "the Python worker ended before it gave a result", detail);
}

/* Wait until the socket is ready for `events`; 1 for ready. */
static int wait_for(Plugin *p, short events, double deadline)
{
    for (;;) {
        double left = deadline - now();
        if (left <= 0)
            return fail(p, "the Python worker did not answer in time",
                        "MIRKIT_VAMP_TIMEOUT sets how many seconds it has");
        struct pollfd one = {p->socket, events, 0};
        int n = poll(&one, 1, left > 1000 ? 1000000 : (int)(left * 1000) + 1);
        if (n > 0) return 1;
        if (n < 0 && errno != EINTR) return fail(p, "poll", strerror(errno));
    }
}

static int send_all(Plugin *p, const void *data, size_t n, double deadline)
{
    const char *bytes = data;
    while (n) {
        if (!wait_for(p, POLLOUT, deadline)) return 0;
        ssize_t sent = send(p->socket, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent < 0) return fail_dead(p);
        bytes += sent, n -= (size_t)sent;
    }
    return 1;
}

static int receive_all(Plugin *p, void *data, size_t n, double deadline)
{
    char *bytes = data;
    while (n) {
        if (!wait_for(p, POLLIN, deadline)) return 0;
        ssize_t got = recv(p->socket, bytes, n, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) return fail_dead(p);
        bytes += got, n -= (size_t)got;
    }
    return 1;
}

static int send_message(Plugin *p, char type, const void *data, uint32_t n)
{
    char head[5] = {type};
    memcpy(head + 1, &n, 4);
    double deadline = now() + patience(START_SECONDS);
    return send_all(p, head, 5, deadline) && send_all(p, data, n, deadline);
}

/* Receive a message of `type` into memory that the caller frees; NULL where it fails. */
static char *receive_message(Plugin *p, char type, uint32_t *n, double seconds)
{
    char head[5], *data;
    double deadline = now() + patience(seconds);
    if (!receive_all(p, head, 5, deadline)) return NULL;
    memcpy(n, head + 1, 4);
    if ((head[0] != type && head[0] != 'E') || *n > LONGEST_REPLY) {
        fail(p, "the Python worker said what is no answer", "are both of one version of mirkit?");
        return NULL;
    }
    if (!(data = malloc((size_t)*n + 1))) {
        fail(p, "out of memory", NULL);
        return NULL;
    }
    data[*n] = 0;
    if (receive_all(p, data, *n, deadline)) {
        if (head[0] == type) return data;
        fail(p, "error", data);
    }
    free(data);
    return NULL;
}

/* ------------------------------------------------------------------ the worker */

/* What an interpreter runs that heeds no PYTHON… variable, nor the folder the host is in. */
static const char START[] =
    "import sys; root = sys.argv.pop(1); root in sys.path or sys.path.insert(0, root); "
    "from mirkit.hosts.vamp.worker import main; main()";

static int spawn(Plugin *p, int end)
{
    const char *python = getenv("MIRKIT_PYTHON");
    if (!python || !*python) python = MIRKIT_PYTHON;
    char *argv[] = {(char *)python, "-E", "-P", "-c", (char *)START, MIRKIT_ROOT, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, 0);
    posix_spawn_file_actions_adddup2(&actions, end, 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&p->worker, python, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!error) return 1;
    p->worker = 0;
    char detail[512];
    snprintf(detail, sizeof detail, "%s: %s; run `mirkit vamp install` again", python,
             strerror(error));
    return fail(p, "the Python interpreter does not start", detail);
}

static int say_hello(Plugin *p)
{
    char hello[64];
    uint32_t whole[2] = {PROTOCOL, p->n_channels}, n;
    double numbers[2] = {p->sample_rate, p->parameter};
    size_t length = strlen(p->descriptor->identifier);
    memcpy(hello, whole, 8);
    memcpy(hello + 8, numbers, 16);
    memcpy(hello + 24, p->descriptor->identifier, length);
    if (!send_message(p, 'H', hello, (uint32_t)(24 + length))) return 0;
    char *ready = receive_message(p, 'R', &n, START_SECONDS);
    free(ready);
    return ready != NULL;
}

static int start_worker(Plugin *p)
{
    int ends[2];
    stop_worker(p, 0);
    p->failed = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return fail(p, "socketpair", strerror(errno));
    for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    int yes = 1;
    setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
    p->socket = ends[0];
    int spawned = spawn(p, ends[1]);
    close(ends[1]);
    return spawned && say_hello(p);
}

/* ------------------------------------------------------------------ features */

typedef struct {
    const char *at, *end;
} Reader;

/* Copy the next `n` bytes; 0 where there are fewer. */
static int take(Reader *r, void *to, size_t n)
{
    if ((size_t)(r->end - r->at) < n) return 0;
    if (n) memcpy(to, r->at, n);
    r->at += n;
    return 1;
}

static void split_time(double time, int *seconds, int *nanoseconds)
{
    double whole = floor(time);
    *seconds = (int)whole;
    *nanoseconds = (int)((time - whole) * 1e9 + 0.5);
    if (*nanoseconds >= 1000000000) *nanoseconds -= 1000000000, ++*seconds;
}

/* Read one feature, with what is to be freed in it; 0 where the bytes are no feature. */
static int take_feature(Reader *r, double origin, uint32_t *output, Feature *f, FeatureDuration *d)
{
    double time, duration;
    uint32_t n_values, n_label;
    memset(f, 0, sizeof *f);
    memset(d, 0, sizeof *d);
    if (!take(r, output, 4) || !take(r, &time, 8) || !take(r, &duration, 8)) return 0;
    if (!take(r, &n_values, 4) || (size_t)(r->end - r->at) / 4 < n_values) return 0;
    if (!isfinite(time) || fabs(time) > 1e9) return 0;
    f->has_timestamp = 1;
    split_time(origin + time, &f->seconds, &f->nanoseconds);
    d->has_duration = isfinite(duration);
    if (d->has_duration) split_time(duration, &d->seconds, &d->nanoseconds);
    f->value_count = n_values;
    f->values = malloc(4 * ((size_t)n_values + 1));
    if (!f->values || !take(r, f->values, 4 * (size_t)n_values)) return 0;
    if (!take(r, &n_label, 4) || (size_t)(r->end - r->at) < n_label) return 0;
    f->label = malloc((size_t)n_label + 1);
    if (!f->label || !take(r, f->label, n_label)) return 0;
    f->label[n_label] = 0;
    return 1;
}

static int append(FeatureList *list, const Feature *f, const FeatureDuration *d)
{
    /* while it grows, feature and duration lie beside each other; `arrange` parts them */
    FeatureUnion *more = realloc(list->features, 2 * (list->count + 1) * sizeof *more);
    if (!more) return 0;
    list->features = more;
    more[2 * list->count].feature = *f;
    more[2 * list->count + 1].duration = *d;
    list->count++;
    return 1;
}

static int arrange(FeatureList *list)
{
    if (!list->count) return 1;
    FeatureUnion *parted = calloc(2 * list->count, sizeof *parted);
    if (!parted) return 0;
    for (unsigned int i = 0; i < list->count; i++) {
        parted[i] = list->features[2 * i];
        parted[list->count + i] = list->features[2 * i + 1];
    }
    free(list->features);
    list->features = parted;
    return 1;
}

static void free_features(Plugin *p)
{
    for (int k = 0; k < MOST_OUTPUTS; k++) {
        FeatureList *list = &p->lists[k];
        for (unsigned int i = 0; i < list->count; i++) {
            free(list->features[i].feature.values);
            free(list->features[i].feature.label);
        }
        free(list->features);
        list->features = NULL;
        list->count = 0;
    }
}

static int read_features(Plugin *p, const char *data, uint32_t n)
{
    Reader r = {data, data + n};
    uint32_t n_features, output;
    Feature f;
    FeatureDuration d;
    int good = take(&r, &n_features, 4);
    for (uint32_t i = 0; good && i < n_features; i++) {
        good = take_feature(&r, p->origin, &output, &f, &d) && output < p->kind->n_outputs &&
               append(&p->lists[output], &f, &d);
        if (!good) free(f.values), free(f.label);
    }
    for (int k = 0; k < MOST_OUTPUTS; k++) {
        if (arrange(&p->lists[k])) continue;
        p->lists[k].count = 0; /* what is left of it lies elsewhere; memory is out */
        good = 0;
    }
    if (good) return 1;
    free_features(p);
    return fail(p, "the Python worker sent features that cannot be read", NULL);
}

/* ------------------------------------------------------------------ what hosts call */

static const Descriptor DESCRIPTORS[N_PLUGINS];

static Handle instantiate(const Descriptor *descriptor, float sample_rate)
{
    Plugin *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->descriptor = descriptor;
    p->kind = &KINDS[descriptor - DESCRIPTORS];
    p->sample_rate = sample_rate;
    p->parameter = descriptor->parameter_count ? descriptor->parameters[0]->preset : 0;
    p->socket = -1;
    return p;
}

static void cleanup(Handle handle)
{
    Plugin *p = handle;
    stop_worker(p, 1);
    free_features(p);
    free(p->waiting);
    free(p->tail);
    free(p);
}

static void begin(Plugin *p)
{
    p->started = 0;
    p->origin = p->n_sent = 0;
    p->n_waiting = 0;
}

static int initialise(Handle handle, unsigned int channels, unsigned int step, unsigned int block)
{
    Plugin *p = handle;
    char sizes[80];
    snprintf(sizes, sizeof sizes, "%u channels, step %u, block %u", channels, step, block);
    p->failed = 0;
    if (channels < 1 || channels > MAX_CHANNELS || step < 1 || step > block || block > 1u << 24)
        return fail(p, "needs 1 to 16 channels, and a step of 1 up to the block", sizes);
    free(p->waiting);
    free(p->tail);
    p->waiting = malloc((BUFFERED + (size_t)block) * channels * sizeof(float));
    p->tail = malloc((size_t)block * channels * sizeof(float));
    if (!p->waiting || !p->tail) return fail(p, "out of memory", sizes);
    p->n_channels = channels, p->step = step, p->block = block;
    begin(p);
    return start_worker(p);
}

static void reset(Handle handle)
{
    Plugin *p = handle;
    begin(p);
    if (!p->waiting) return; /* not initialised */
    if (p->failed || p->socket < 0)
        start_worker(p);
    else
        send_message(p, 'Z', NULL, 0);
}

static int send_audio(Plugin *p, const float *samples, size_t n)
{
    return send_message(p, 'A', samples, (uint32_t)(n * p->n_channels * sizeof(float)));
}

static int flush(Plugin *p)
{
    size_t n = p->n_waiting;
    p->n_waiting = 0;
    return !n || send_audio(p, p->waiting, n);
}

/* Interleave samples `first` to `end` of the channels. */
static void interleave(const Plugin *p, const float *const *channels, unsigned int first,
                       unsigned int end, float *to)
{
    for (unsigned int i = first; i < end; i++)
        for (unsigned int c = 0; c < p->n_channels; c++) *to++ = channels[c][i];
}

static FeatureList *process(Handle handle, const float *const *channels, int sec, int nsec)
{
    Plugin *p = handle;
    free_features(p);
    if (p->failed || p->socket < 0) return p->lists;
    if (!p->started) p->origin = sec + 1e-9 * nsec;
    p->started = 1;
    interleave(p, channels, 0, p->step, p->waiting + p->n_waiting * p->n_channels);
    interleave(p, channels, p->step, p->block, p->tail); /* heard in the next block, if one comes */
    p->n_waiting += p->step;
    p->n_sent += p->step;
    if (p->n_waiting >= BUFFERED) flush(p);
    return p->lists;
}

static FeatureList *remaining(Handle handle)
{
    Plugin *p = handle;
    uint32_t n;
    free_features(p);
    if (p->failed || p->socket < 0 || !p->started) return p->lists;
    size_t n_tail = p->block - p->step;
    if (!flush(p)) return p->lists;
    if (n_tail && !send_audio(p, p->tail, n_tail)) return p->lists;
    if (!send_message(p, 'F', NULL, 0)) return p->lists;
    double seconds = LEAST_SECONDS + SECONDS_PER_SECOND * p->n_sent / p->sample_rate;
    char *data = receive_message(p, 'O', &n, seconds);
    if (data) read_features(p, data, n);
    free(data);
    return p->lists;
}

static float get_parameter(Handle handle, int index)
{
    return index ? 0 : ((Plugin *)handle)->parameter;
}

static void set_parameter(Handle handle, int index, float value)
{
    Plugin *p = handle;
    if (index < 0 || index >= (int)p->descriptor->parameter_count) return;
    const Parameter *known = p->descriptor->parameters[index];
    p->parameter = fminf(fmaxf(value, known->minimum), known->maximum);
}

static unsigned int get_program(Handle handle) { (void)handle; return 0; }
static void select_program(Handle handle, unsigned int program) { (void)handle, (void)program; }
static unsigned int preferred(Handle handle) { (void)handle; return PREFERRED_STEP; }
static unsigned int min_channels(Handle handle) { (void)handle; return 1; }
static unsigned int max_channels(Handle handle) { (void)handle; return MAX_CHANNELS; }

static unsigned int output_count(Handle handle) { return ((Plugin *)handle)->kind->n_outputs; }

static Output *output(Handle handle, unsigned int index)
{
    const Kind *kind = ((Plugin *)handle)->kind;
    return index < kind->n_outputs ? (Output *)&kind->outputs[index] : NULL;
}

static void release_output(Output *descriptor) { (void)descriptor; }   /* they are constants */
static void release_features(FeatureList *lists) { (void)lists; } /* the next call frees them */

#define PLUGIN(identifier, name, description, n_parameters, parameters)                            \
    {VAMP_VERSION, identifier, name, description, "mirkit", 1, "MIT License; see mirkit",          \
     n_parameters, parameters, 0, NULL, TIME_DOMAIN, instantiate, cleanup, initialise, reset,      \
     get_parameter, set_parameter, get_program, select_program, preferred, preferred,              \
     min_channels, max_channels, output_count, output, release_output, process, remaining,         \
     release_features}

static const Descriptor DESCRIPTORS[N_PLUGINS] = {
    PLUGIN("beats", "mirkit: Beats", "Beats, downbeats and tempo, by mirkit's network", 1,
           BEAT_PARAMETERS),
    PLUGIN("chords", "mirkit: Chords", "Chords, by mirkit's network", 1, CHORD_PARAMETERS),
    PLUGIN("key", "mirkit: Key", "The key, and where it changes, by mirkit's network", 0, NULL),
};

#define PUBLIC __attribute__((visibility("default")))

PUBLIC const Descriptor *vampGetPluginDescriptor(unsigned int host_version, unsigned int index)
{
    return host_version >= VAMP_VERSION && index < N_PLUGINS ? &DESCRIPTORS[index] : NULL;
}

/* For `mirkit vamp doctor`: what this library was made with. */
PUBLIC const char *mirkit_vamp_made_with(int what)
{
    const char *told[] = {MIRKIT_VERSION, MIRKIT_PYTHON, MIRKIT_ROOT, START};
    return what >= 0 && what < 4 ? told[what] : NULL;
}
