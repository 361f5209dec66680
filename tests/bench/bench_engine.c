/* Hold model of the calendar: pop the earliest event, post it again a random increment later, `pending` events in
 * flight. */
#include "engine/engine.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S 1e9
/* Mean increment, picoseconds: 5 us, a kernel. */
#define MEAN_PS     5000000
#define MAX_PENDING 1000000
#define HOLDS       4000000

/* SplitMix64 as a running generator: cheaper than the calendar it feeds. */
typedef struct {
  uint64_t state;
} Source;

static inline uint64_t draw(Source *source)
{
  return moe_random_mix(source->state += MOE_RANDOM_STEP);
}

typedef MoeTime (*Increment)(uint64_t bits);

/* Uniform in [0, 2 mean). */
static MoeTime uniform(uint64_t bits)
{
  return (MoeTime)(bits % (2 * MEAN_PS));
}
/* Two times in a hundred a thousand times longer. */
static MoeTime two_scales(uint64_t bits)
{
  return bits % 50 ? uniform(bits >> 8) : 1000 * uniform(bits >> 8);
}
/* Lock step: everything on a grid of three instants. */
static MoeTime lock_step(uint64_t bits)
{
  return (MoeTime)(1 + bits % 3) * MEAN_PS;
}

static double cpu_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * NS_PER_S + (double)now.tv_nsec;
}

static void holds(MoeEngine *engine, Increment increment, Source *source, uint64_t n)
{
  MoeEvent event;

  for (uint64_t i = 0; i < n && moe_engine_pop(engine, &event); i++)
    moe_engine_post(engine, event.klass, event.id, event.time + increment(draw(source)));
}

/* Nanoseconds of one pop and one post. */
static double fixed_hold(MoeCalendarKind kind, Increment increment, uint32_t pending)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(kind);
  Source source = {pending};
  uint32_t klass = moe_engine_add_class(engine, FALSE, 0);

  for (uint32_t id = 0; id < pending; id++)
    moe_engine_post(engine, klass, id, increment(draw(&source)));
  holds(engine, increment, &source, 2 * (uint64_t)pending + HOLDS / 4);
  double start = cpu_ns();
  holds(engine, increment, &source, HOLDS);
  return (cpu_ns() - start) / HOLDS;
}

/* Nanoseconds of moving one of `pending` movable events to a random time. */
static double movable_set(uint32_t pending)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  Source source = {pending};
  uint32_t klass = moe_engine_add_class(engine, TRUE, pending);

  for (uint32_t id = 0; id < pending; id++)
    moe_engine_set(engine, klass, id, uniform(draw(&source)));
  double start = cpu_ns();
  for (uint32_t i = 0; i < HOLDS; i++) {
    uint64_t bits = draw(&source);
    moe_engine_set(engine, klass, (uint32_t)(bits >> 40) % pending, uniform(bits));
  }
  return (cpu_ns() - start) / HOLDS;
}

static void print_row(const char *name, MoeCalendarKind kind, Increment increment)
{
  printf("%-24s", name);
  for (uint32_t pending = 1000; pending <= MAX_PENDING; pending *= 10) {
    double ns = fixed_hold(kind, increment, pending);
    printf("  %6.1f ns %5.1f M/s", ns, 1e3 / ns);
    fflush(stdout);
  }
  printf("\n");
}

int main(void)
{
  printf("%-24s  %18s  %18s  %18s  %18s\n", "pending events", "1e3", "1e4", "1e5", "1e6");
  print_row("wheel, uniform", MOE_CALENDAR_WHEEL, uniform);
  print_row("heap, uniform", MOE_CALENDAR_HEAP, uniform);
  print_row("wheel, two scales", MOE_CALENDAR_WHEEL, two_scales);
  print_row("heap, two scales", MOE_CALENDAR_HEAP, two_scales);
  print_row("wheel, lock step", MOE_CALENDAR_WHEEL, lock_step);
  print_row("heap, lock step", MOE_CALENDAR_HEAP, lock_step);
  printf("%-24s", "move a movable event");
  for (uint32_t pending = 1000; pending <= MAX_PENDING; pending *= 10)
    printf("  %6.1f ns          ", movable_set(pending));
  printf("\n");
  return 0;
}
