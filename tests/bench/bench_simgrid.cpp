/*
 * The workload of pipeline.h in SimGrid (LGPL, https://simgrid.org), for comparison; built only where it is installed. One actor per host
 * receives, executes and sends. (Activities with dependencies instead of actors were slower: SimGrid 3.32 searches a list of all of them
 * at each end, 15,000 activities/s on 1,024 hosts and 3,000 on 2,048.) Prints activities per second of thread CPU time; making the platform
 * is not counted.
 */
#include <simgrid/s4u.hpp>

#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "pipeline.h"

namespace s4u = simgrid::s4u;

static double cpu_seconds()
{
  timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static std::vector<s4u::Host *> make_hosts()
{
  std::vector<s4u::Host *> hosts;
  auto *zone = s4u::create_star_zone("cluster");

  for (int h = 0; h < HOSTS; h++) {
    std::string name = "host" + std::to_string(h);
    auto *host = zone->create_host(name, 1.0); /* 1 FLOP/s: FLOPs are seconds */
    auto *link = zone->create_split_duplex_link(name, LINK_BYTES_PER_S)->set_latency(LATENCY_S / 2)->seal();
    zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr, {{link, s4u::LinkInRoute::Direction::UP}}, true);
    hosts.push_back(host);
  }
  zone->seal();
  return hosts;
}

/* What a host does: `from` and `to` are NULL at the ends of the pipeline. */
static void run_host(s4u::Mailbox *from, s4u::Mailbox *to, int seed)
{
  std::mt19937_64 random(seed);
  std::normal_distribution<double> task_s(TASK_S, TASK_S * VARIATION);
  static char payload;

  for (int batch = 0; batch < BATCHES; batch++) {
    if (from)
      from->get<char>();
    s4u::this_actor::execute(task_s(random));
    if (to)
      to->put_init(&payload, (uint64_t)MESSAGE_BYTES)->detach();
  }
}

static void add_pipeline(const std::vector<s4u::Host *> &hosts, int first)
{
  s4u::Mailbox *from = nullptr;

  for (int stage = 0; stage < STAGES; stage++) {
    auto *to = stage + 1 < STAGES ? s4u::Mailbox::by_name("to" + std::to_string(first + stage + 1)) : nullptr;

    if (from)
      from->set_receiver(s4u::Actor::create("host", hosts[first + stage], run_host, from, to, first + stage));
    else
      s4u::Actor::create("host", hosts[first + stage], run_host, from, to, first + stage);
    from = to;
  }
}

int main(int argc, char **argv)
{
  s4u::Engine engine(&argc, argv);
  s4u::Engine::set_config("network/model:CM02"); /* no protocol factors: as in moesim, bytes / bandwidth + latency */
  s4u::Engine::set_config("network/crosstraffic:0");
  s4u::Engine::set_config("contexts/stack-size:64"); /* KiB */
  std::vector<s4u::Host *> hosts = make_hosts();
  double start = cpu_seconds();

  for (int replica = 0; replica < REPLICAS; replica++)
    add_pipeline(hosts, replica * STAGES);
  engine.run();
  double seconds = cpu_seconds() - start;
  std::printf("SimGrid  %d activities on %d hosts: %.3f s, %.0f activities/s, simulated %.6f s\n", ACTIVITIES, HOSTS, seconds,
              ACTIVITIES / seconds, engine.get_clock());
  return 0;
}
