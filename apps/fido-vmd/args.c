/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	int (*print)(FILE *out, const struct args *args);
} formats[] = {
	[ARGS_QEMU] = {"qemu", args_qemu},
	[ARGS_LIBVIRT] = {"libvirt", args_libvirt},
	[ARGS_FIRECRACKER] = {"firecracker", args_firecracker},
	[ARGS_QMP] = {"qmp", args_qmp},
};

int
args_format_parse(const char *text, enum args_format *out)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(text, formats[i].name) == 0) {
			*out = (enum args_format)i;
			return 0;
		}
	return -EINVAL;
}

int
args_device_parse(const char *text, enum args_device *out)
{
	*out = strcmp(text, "virtio-pmem") == 0 ? ARGS_VIRTIO_PMEM : ARGS_NVDIMM;
	return *out == ARGS_VIRTIO_PMEM || strcmp(text, "nvdimm") == 0 ? 0 : -EINVAL;
}

int
args_print(FILE *out, const struct args *args, enum args_format format)
{
	return formats[format].print(out, args);
}
