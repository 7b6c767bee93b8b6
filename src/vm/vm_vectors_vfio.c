/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors of a device that is bound to vfio-pci: one process has all of it. The machine needs an
 * IOMMU, if only for vfio to agree: the device has no DMA.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fork_guard.h"
#include "vm_vectors.h"

#define DEVICES "/sys/bus/pci/drivers/vfio-pci"
#define VENDOR_ID 0x1af4
#define DEVICE_ID 0x1110

static int
take(struct fido_vm_vectors *v, uint32_t *vector)
{
	return fido_vm_vectors_take_eventfd(v, v->eventfds, vector);
}

static bool
ring(const struct fido_vm_vectors *v, uint32_t id, uint32_t vector)
{
	const uint32_t word = FIDO_BELL_WORD(id, vector);

	return pwrite(v->device_fd, &word, sizeof(word),
		       (off_t)(v->registers_at + FIDO_BELL_RING)) == sizeof(word);
}

static void
close_vfio(struct fido_vm_vectors *v)
{
	if (v->registers != NULL)
		munmap(v->registers, FIDO_BELL_MAP_SIZE);
	for (uint32_t i = 0; v->eventfds != NULL && i < v->count; i++)
		if (v->eventfds[i] >= 0)
			close(v->eventfds[i]);
	free(v->eventfds);
	fido_fork_close(v->device_fd);
	fido_fork_close(v->group_fd);
	fido_fork_close(v->container_fd);
}

static const struct fido_vm_vectors_ops ops = {.name = "vfio-pci",
	.take = take,
	.drop = fido_vm_vectors_drop_own,
	.ring = ring,
	.close = close_vfio};

/* ---- the group of the device ---- */

/* @return a descriptor; -errno: also -EBUSY: another process has the device */
static int
open_group(const char *address)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char link[sizeof(DEVICES) + NAME_MAX + 16], target[PATH_MAX], path[64], *name;
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), DEVICES "/%s/iommu_group", address);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	if (name == NULL || strlen(name) > 16)
		return -ENOENT;
	snprintf(path, sizeof(path), "/dev/vfio%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) == 0 &&
		(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return fd;
	close(fd);
	return -EPERM;
}

static int
open_device(struct fido_vm_vectors *v, const char *address)
{
	v->container_fd = fido_fork_guard(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	if (v->container_fd < 0)
		return -errno;
	v->group_fd = fido_fork_guard(open_group(address));
	if (v->group_fd < 0)
		return v->group_fd;
	if (ioctl(v->group_fd, VFIO_GROUP_SET_CONTAINER, &v->container_fd) != 0 ||
		ioctl(v->container_fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) != 0)
		return -errno;
	v->device_fd = fido_fork_guard(ioctl(v->group_fd, VFIO_GROUP_GET_DEVICE_FD, address));
	return v->device_fd >= 0 ? 0 : -errno;
}

/* ---- the device ---- */

static int
region(const struct fido_vm_vectors *v, uint32_t index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){.argsz = sizeof(*info), .index = index};
	return ioctl(v->device_fd, VFIO_DEVICE_GET_REGION_INFO, info) == 0 ? 0 : -errno;
}

/* vfio hands over the device without bus mastering, and then it sends no interrupts. */
static int
enable(const struct fido_vm_vectors *v)
{
	struct vfio_region_info config;
	uint16_t command;
	int ret = region(v, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	off_t at = (off_t)config.offset + PCI_COMMAND;

	if (ret != 0)
		return ret;
	if (pread(v->device_fd, &command, sizeof(command), at) != sizeof(command))
		return -EIO;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	return pwrite(v->device_fd, &command, sizeof(command), at) == sizeof(command) ? 0 : -EIO;
}

static int
check_label(const struct fido_vm_vectors *v, const char *group)
{
	struct vfio_region_info bar;
	struct fido_bell_label label;
	int ret = region(v, VFIO_PCI_BAR2_REGION_INDEX, &bar);

	if (ret != 0)
		return ret;
	if (bar.size < sizeof(label) ||
		pread(v->device_fd, &label, sizeof(label), (off_t)bar.offset) != sizeof(label))
		return -EIO;
	return fido_vm_label_fits(&label, group) ? 0 : -ENODEV;
}

static int
map_registers(struct fido_vm_vectors *v)
{
	struct vfio_region_info bar;
	int ret = region(v, VFIO_PCI_BAR0_REGION_INDEX, &bar);
	void *p = MAP_FAILED;

	if (ret != 0)
		return ret;
	v->registers_at = bar.offset;
	if (pread(v->device_fd, &v->id, sizeof(v->id), (off_t)(bar.offset + FIDO_BELL_ID)) !=
		sizeof(v->id))
		return -EIO;
	if (bar.flags & VFIO_REGION_INFO_FLAG_MMAP)
		p = mmap(NULL, FIDO_BELL_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, v->device_fd,
			(off_t)bar.offset);
	if (p == MAP_FAILED)
		return 0;
	/* A child would keep the device. */
	madvise(p, FIDO_BELL_MAP_SIZE, MADV_DONTFORK);
	v->registers = p;
	return 0;
}

/* All at once: to add one later, some kernels stop the others for a while. */
static int
set_eventfds(struct fido_vm_vectors *v)
{
	struct vfio_irq_info irqs = {.argsz = sizeof(irqs), .index = VFIO_PCI_MSIX_IRQ_INDEX};
	int fds[FIDO_BELL_VECTORS_MAX];
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(fds)]; /* the eventfds follow */
	} arg;

	if (ioctl(v->device_fd, VFIO_DEVICE_GET_IRQ_INFO, &irqs) != 0)
		return -errno;
	v->eventfds = calloc(FIDO_BELL_VECTORS_MAX, sizeof(*v->eventfds));
	if (v->eventfds == NULL || irqs.count == 0)
		return -ENODEV;
	v->count = irqs.count < FIDO_BELL_VECTORS_MAX ? irqs.count : FIDO_BELL_VECTORS_MAX;
	arg.set =
		(struct vfio_irq_set){.argsz = (uint32_t)(sizeof(arg.set) + v->count * sizeof(int)),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = v->count};
	for (uint32_t i = 0; i < v->count; i++)
		fds[i] = v->eventfds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	memcpy(arg.set.data, fds, v->count * sizeof(int));
	return ioctl(v->device_fd, VFIO_DEVICE_SET_IRQS, &arg) == 0 ? 0 : -errno;
}

static bool
try_device(struct fido_vm_vectors *v, const char *address, const char *group)
{
	int ret = open_device(v, address);

	if (ret == 0)
		ret = enable(v);
	if (ret == 0)
		ret = check_label(v, group);
	if (ret == 0)
		ret = map_registers(v);
	if (ret == 0)
		ret = set_eventfds(v);
	if (ret == 0) {
		v->ops = &ops;
		return true;
	}
	close_vfio(v);
	fido_vm_vectors_init(v);
	return false;
}

/* ---- all devices ---- */

static bool
has_number(const char *address, const char *file, unsigned long number)
{
	char path[sizeof(DEVICES) + NAME_MAX + 16], line[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", address, file);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	return strtoul(line, NULL, 16) == number;
}

bool
fido_vm_vectors_open_vfio(struct fido_vm_vectors *v, const char *group)
{
	DIR *d = opendir(DEVICES);
	struct dirent *e;
	bool found = false;

	while (!found && d != NULL && (e = readdir(d)) != NULL)
		found = has_number(e->d_name, "vendor", VENDOR_ID) &&
			has_number(e->d_name, "device", DEVICE_ID) &&
			try_device(v, e->d_name, group);
	if (d != NULL)
		closedir(d);
	return found;
}
