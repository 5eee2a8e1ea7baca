/* The binary interface between Vamp hosts and plug-ins, version 2: only what mirkit.c uses.

   The order and the types of the members are the interface; tests compare their offsets with
   those of the header that Vamp publishes, where that is installed. */

#ifndef MIRKIT_VAMP_ABI_H
#define MIRKIT_VAMP_ABI_H

enum { VAMP_VERSION = 2 };
enum { SAMPLE_PER_STEP, SAMPLE_RATE_FIXED, SAMPLE_RATE_VARIABLE };
enum { TIME_DOMAIN, FREQUENCY_DOMAIN };

typedef struct {
    const char *identifier, *name, *description, *unit;
    float minimum, maximum, preset;
    int is_quantized;
    float step;
    const char **value_names; /* ended by NULL */
} Parameter;

typedef struct {
    const char *identifier, *name, *description, *unit;
    int has_fixed_bin_count;
    unsigned int bin_count;
    const char **bin_names;
    int has_known_extents;
    float minimum, maximum;
    int is_quantized;
    float step;
    int sample_type; /* SAMPLE_… */
    float sample_rate;
    int has_duration;
} Output;

typedef struct {
    int has_timestamp, seconds, nanoseconds;
    unsigned int value_count;
    float *values;
    char *label;
} Feature;

typedef struct {
    int has_duration, seconds, nanoseconds;
} FeatureDuration;

typedef union {
    Feature feature;
    FeatureDuration duration;
} FeatureUnion;

typedef struct {
    unsigned int count;
    FeatureUnion *features; /* 2 * count: the features, then the duration of each */
} FeatureList;

typedef void *Handle;

typedef struct Descriptor {
    unsigned int api_version;
    const char *identifier, *name, *description, *maker;
    int version;
    const char *copyright;
    unsigned int parameter_count;
    const Parameter **parameters;
    unsigned int program_count;
    const char **programs;
    int input_domain; /* …_DOMAIN */
    Handle (*instantiate)(const struct Descriptor *, float sample_rate);
    void (*cleanup)(Handle);
    int (*initialise)(Handle, unsigned int channels, unsigned int step, unsigned int block);
    void (*reset)(Handle);
    float (*get_parameter)(Handle, int);
    void (*set_parameter)(Handle, int, float);
    unsigned int (*get_program)(Handle);
    void (*select_program)(Handle, unsigned int);
    unsigned int (*preferred_step)(Handle);
    unsigned int (*preferred_block)(Handle);
    unsigned int (*min_channels)(Handle);
    unsigned int (*max_channels)(Handle);
    unsigned int (*output_count)(Handle);
    Output *(*output)(Handle, unsigned int);
    void (*release_output)(Output *);
    FeatureList *(*process)(Handle, const float *const *channels, int seconds, int nanoseconds);
    FeatureList *(*remaining)(Handle);
    void (*release_features)(FeatureList *);
} Descriptor;

#endif
