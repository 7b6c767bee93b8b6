/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap interface of the kernel. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_string_fns.h>

#include "vtap_log.h"
#include "vtap_tun.h"

#define DEVICE "/dev/net/tun"
#define ENTER "enter its network namespace"
/* Packets that a queue of the kernel can hold: more than its limit, so that draining ends. */
#define DRAIN_MAX 100000

/* ---- in another network namespace ---- */

struct visit {
	int netns; /* the namespace; -1: the caller's own */
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static void *
visit_start(void *opaque)
{
	struct visit *v = opaque;

	v->ret = setns(v->netns, CLONE_NEWNET) != 0 ? -errno : v->fn(v->arg);
	return NULL;
}

/* Call fn in a network namespace, by a thread of its own: the caller stays in its namespace. */
static int
call_in(int netns, int (*fn)(void *arg), void *arg)
{
	struct visit v = {.netns = netns, .fn = fn, .arg = arg};
	pthread_t thread;
	int ret;

	if (netns < 0)
		return fn(arg);
	ret = pthread_create(&thread, NULL, visit_start, &v);
	if (ret != 0)
		return -ret;
	pthread_join(thread, NULL);
	return v.ret;
}

/* @return true when the namespace is the caller's own, which needs no right to enter */
static bool
is_own(int netns)
{
	struct stat own, other;

	return stat("/proc/thread-self/ns/net", &own) == 0 && fstat(netns, &other) == 0 &&
		own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

struct socket_call {
	int family;
	int type;
	int protocol;
};

static int
open_socket(void *arg)
{
	const struct socket_call *call = arg;
	int fd = socket(call->family, call->type | SOCK_CLOEXEC, call->protocol);

	return fd < 0 ? -errno : fd;
}

int
vtap_tun_socket(const struct vtap_tun *tun, int family, int type, int protocol)
{
	struct socket_call call = {family, type, protocol};
	int netns = ioctl(tun->fd[0], TUNGETDEVNETNS), fd;

	/* Older kernels, and processes without rights there: assume the caller's namespace. */
	fd = call_in(netns >= 0 && !is_own(netns) ? netns : -1, open_socket, &call);
	if (netns >= 0)
		close(netns);
	return fd;
}

/* ---- create ---- */

/* @return what the user can do when a step failed */
static const char *
hint_for(const char *what, int ret)
{
	if (strcmp(what, ENTER) == 0)
		return "give netns= the name or the path of a network namespace, and run with "
		       "CAP_SYS_ADMIN";
	switch (-ret) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "load the tun module (modprobe tun); in a container, give it " DEVICE
		       " (--device " DEVICE ")";
	case EPERM:
	case EACCES:
		return "run with CAP_NET_ADMIN, or let root create a persistent interface for the "
		       "user (ip tuntap add mode tap vnet_hdr user NAME)";
	case EBUSY:
		return "the interface exists and a process uses it: choose another iface=";
	case EINVAL:
		return "the name belongs to an interface that is no tap, or to a persistent tap "
		       "with another number of queues (one or several): choose another iface=, or "
		       "remove it (ip link del)";
	case E2BIG:
	case EMFILE:
		return "reduce queues=, or raise the limit of open files (ulimit -n)";
	default:
		return "see the error";
	}
}

/* Log why the interface could not be created. @return ret */
static int
log_open(const struct vtap_args *args, const char *what, int ret)
{
	VTAP_LOG(ERR, "interface %s: cannot %s: %s: %s", args->iface, what, strerror(-ret),
		hint_for(what, ret));
	return ret;
}

struct open_call {
	struct vtap_tun *tun;
	const struct vtap_args *args;
	const char *what; /* what failed */
};

/* Open one queue. @return 0, -errno */
static int
open_queue(struct open_call *call, uint16_t i)
{
	struct vtap_tun *tun = call->tun;
	struct ifreq r = {0};

	call->what = "open " DEVICE;
	tun->fd[i] = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun->fd[i] < 0)
		return -errno;
	tun->queues = (uint16_t)(i + 1);
	tun->attached[i] = true;
	call->what = "create it";
	r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
		(call->args->queues > 1 ? IFF_MULTI_QUEUE : 0));
	strlcpy(r.ifr_name, i == 0 ? call->args->iface : tun->name, sizeof(r.ifr_name));
	if (ioctl(tun->fd[i], TUNSETIFF, &r) != 0)
		return -errno;
	strlcpy(tun->name, r.ifr_name, sizeof(tun->name));
	return 0;
}

static int
open_queues(void *arg)
{
	struct open_call *call = arg;
	int hdr_size = 10, ret;

	for (uint16_t i = 0; i < call->args->queues; i++) {
		ret = open_queue(call, i);
		if (ret != 0)
			return ret;
		/* A persistent interface may have been used with another size. */
		call->what = "set the size of its headers";
		if (ioctl(call->tun->fd[i], TUNSETVNETHDRSZ, &hdr_size) != 0)
			return -errno;
	}
	call->what = "make it persistent";
	if (call->args->has_persist &&
		ioctl(call->tun->fd[0], TUNSETPERSIST, call->args->persist) != 0)
		return -errno;
	return 0;
}

/* Open the queues in the namespace that the arguments name. */
static int
open_in_netns(struct open_call *call)
{
	int netns = -1, ret;

	if (call->args->netns[0] != '\0') {
		netns = open(call->args->netns, O_RDONLY | O_CLOEXEC);
		if (netns < 0) {
			ret = -errno;
			VTAP_LOG(ERR,
				"interface %s: cannot open network namespace %s: %s: create it "
				"(ip netns add NAME), or give another netns=",
				call->args->iface, call->args->netns, strerror(errno));
			return ret;
		}
	}
	ret = call_in(netns, open_queues, call);
	if (netns >= 0)
		close(netns);
	return ret != 0 ? log_open(call->args, call->what, ret) : 0;
}

int
vtap_tun_open(struct vtap_tun *tun, const struct vtap_args *args)
{
	struct open_call call = {.tun = tun, .args = args, .what = ENTER};
	int ret;

	memset(tun, 0, sizeof(*tun));
	pthread_mutex_init(&tun->lock, NULL);
	tun->control = -1;
	ret = open_in_netns(&call);
	if (ret == 0) {
		ret = vtap_tun_refresh(tun);
		if (ret == 0 && args->has_mac)
			ret = vtap_tun_set_mac(tun, &args->mac);
		if (ret != 0)
			log_open(args, "configure it", ret);
	}
	if (ret != 0) {
		vtap_tun_close(tun);
		return ret;
	}
	tun->can_uso = vtap_tun_set_offloads(tun, TUN_F_CSUM | VTAP_F_USO) == 0;
	vtap_tun_set_offloads(tun, 0);
	/* TUNSETIFF has set it. */
	vtap_tun_set_carrier(tun, false);
	return 0;
}

void
vtap_tun_close(struct vtap_tun *tun)
{
	for (uint16_t i = 0; i < tun->queues; i++)
		close(tun->fd[i]);
	if (tun->control >= 0)
		close(tun->control);
	tun->queues = 0;
	tun->control = -1;
	pthread_mutex_destroy(&tun->lock);
}

/* ---- configure ---- */

/* Learn the interface's name. The lock is held. @return 0, -EBADFD: it was removed */
static int
get_name(struct vtap_tun *tun)
{
	struct ifreq r = {0};

	if (ioctl(tun->fd[0], TUNGETIFF, &r) != 0)
		return -errno;
	strlcpy(tun->name, r.ifr_name, sizeof(tun->name));
	return 0;
}

/* The lock is held. Another interface may have got the name that this one had. */
static int
control_call(struct vtap_tun *tun, unsigned long request, struct ifreq *r)
{
	if (get_name(tun) != 0)
		return -ENODEV;
	strlcpy(r->ifr_name, tun->name, sizeof(r->ifr_name));
	return ioctl(tun->control, request, r) != 0 ? -errno : 0;
}

/* Find the interface again. The lock is held. */
static int
refresh(struct vtap_tun *tun)
{
	struct ifreq r = {0};
	int fd, ret = get_name(tun);

	if (ret != 0)
		return ret;
	fd = vtap_tun_socket(tun, AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return fd;
	if (tun->control >= 0)
		close(tun->control);
	tun->control = fd;
	ret = control_call(tun, SIOCGIFINDEX, &r);
	tun->index = r.ifr_ifindex;
	return ret;
}

int
vtap_tun_refresh(struct vtap_tun *tun)
{
	int ret;

	pthread_mutex_lock(&tun->lock);
	ret = refresh(tun);
	pthread_mutex_unlock(&tun->lock);
	return ret;
}

bool
vtap_tun_is_there(struct vtap_tun *tun)
{
	struct ifreq r = {0};
	bool there;

	pthread_mutex_lock(&tun->lock);
	there = control_call(tun, SIOCGIFINDEX, &r) == 0 && r.ifr_ifindex == tun->index;
	pthread_mutex_unlock(&tun->lock);
	return there;
}

/* Configure the interface, which may have been renamed or moved since the last call. */
static int
interface_call(struct vtap_tun *tun, unsigned long request, struct ifreq *r)
{
	int ret;

	pthread_mutex_lock(&tun->lock);
	ret = control_call(tun, request, r);
	if (ret == -ENODEV)
		ret = refresh(tun) != 0 ? -ENODEV : control_call(tun, request, r);
	pthread_mutex_unlock(&tun->lock);
	return ret;
}

int
vtap_tun_attach(struct vtap_tun *tun, uint16_t n)
{
	for (uint16_t i = 0; i < tun->queues && tun->queues > 1; i++) {
		struct ifreq r = {.ifr_flags = i < n ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};

		if (tun->attached[i] == (i < n))
			continue;
		if (ioctl(tun->fd[i], TUNSETQUEUE, &r) != 0)
			return -errno;
		tun->attached[i] = i < n;
	}
	return 0;
}

int
vtap_tun_set_offloads(struct vtap_tun *tun, unsigned int offloads)
{
	return ioctl(tun->fd[0], TUNSETOFFLOAD, (unsigned long)offloads) != 0 ? -errno : 0;
}

int
vtap_tun_set_carrier(struct vtap_tun *tun, bool on)
{
	int carrier = on;

	return ioctl(tun->fd[0], TUNSETCARRIER, &carrier) != 0 ? -errno : 0;
}

int
vtap_tun_get_flags(struct vtap_tun *tun, unsigned int *flags)
{
	struct ifreq r = {0};
	int ret = interface_call(tun, SIOCGIFFLAGS, &r);

	*flags = (unsigned short)r.ifr_flags;
	return ret;
}

int
vtap_tun_set_flags(struct vtap_tun *tun, unsigned int set, unsigned int clear)
{
	struct ifreq r = {0};
	unsigned int flags;
	int ret = vtap_tun_get_flags(tun, &flags);

	if (ret != 0 || ((flags | set) & ~clear) == flags)
		return ret;
	r.ifr_flags = (short)((flags | set) & ~clear);
	return interface_call(tun, SIOCSIFFLAGS, &r);
}

int
vtap_tun_set_mtu(struct vtap_tun *tun, unsigned int mtu)
{
	struct ifreq r = {.ifr_mtu = (int)mtu};

	return interface_call(tun, SIOCSIFMTU, &r);
}

int
vtap_tun_get_mtu(struct vtap_tun *tun, unsigned int *mtu)
{
	struct ifreq r = {0};
	int ret = interface_call(tun, SIOCGIFMTU, &r);

	*mtu = (unsigned int)r.ifr_mtu;
	return ret;
}

/* The queue's own calls: they need no name. */

int
vtap_tun_set_mac(struct vtap_tun *tun, const struct rte_ether_addr *mac)
{
	struct ifreq r = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	memcpy(r.ifr_hwaddr.sa_data, mac, sizeof(*mac));
	return ioctl(tun->fd[0], SIOCSIFHWADDR, &r) != 0 ? -errno : 0;
}

int
vtap_tun_get_mac(struct vtap_tun *tun, struct rte_ether_addr *mac)
{
	struct ifreq r = {0};

	if (ioctl(tun->fd[0], SIOCGIFHWADDR, &r) != 0)
		return -errno;
	memcpy(mac, r.ifr_hwaddr.sa_data, sizeof(*mac));
	return 0;
}

void
vtap_tun_drain(struct vtap_tun *tun, uint16_t queue)
{
	char bytes[64];

	for (int i = 0; i < DRAIN_MAX && read(tun->fd[queue], bytes, sizeof(bytes)) > 0; i++)
		;
}
