/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device for Debian's unmodified QEMU needs that is loaded as a TCG
 * plugin (build-device.sh builds it).
 *
 * QEMU exports its functions, but promises nothing about them or about its
 * structures: a device fits the QEMU it was built for and no other.  So its
 * source ends with
 *
 *	static void NAME_register(void) { type_register_static(...); }
 *	DEVICE_PLUGIN("NAME", NAME_register, TYPE_PCI_DEVICE, PCIDevice)
 *
 * and nothing is registered in another QEMU, which ends with a message.
 *
 * Code that includes cpu.h has, before anything else,
 *
 *	#define NEED_CPU_H
 *	#define CONFIG_TARGET "config-target.h"
 *
 * -plugin has to stand before -device, and `-device help` doesn't list what
 * plugins add.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/qemu-plugin.h"
#include "qapi/qapi-commands-control.h"
#include "qom/object.h"

/**
 * device_fits() - is this the QEMU that the device was built for?
 * @name: the device's name, for messages
 * @type: a type whose structure the device extends or looks into
 * @size: what the headers have for the size of that structure, bytes
 *
 * QEMU itself tells its version, with Debian's revision, and the size.
 */
static inline bool device_fits(const char *name, const char *type, size_t size)
{
	VersionInfo *info = qmp_query_version(NULL);
	g_autofree char *here = NULL;

	here = g_strdup_printf("%" PRId64 ".%" PRId64 ".%" PRId64 "%s%s%s",
			       info->qemu->major, info->qemu->minor,
			       info->qemu->micro, *info->package ? " (" : "",
			       info->package, *info->package ? ")" : "");
	qapi_free_VersionInfo(info);
	if (strcmp(here, DEVICE_FOR_QEMU)) {
		error_report("%s: built for QEMU %s, but this is QEMU %s: build it again",
			     name, DEVICE_FOR_QEMU, here);
		return false;
	}
	if (object_type_get_instance_size(type) != size) {
		error_report("%s: this QEMU's %s has %zu bytes, that of the headers %zu",
			     name, type, object_type_get_instance_size(type), size);
		return false;
	}
	return true;
}

#define DEVICE_PLUGIN(name, register_types, type, structure)		\
	QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION; \
	QEMU_PLUGIN_EXPORT int						\
	qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, \
			    int argc, char **argv)			\
	{								\
		if (argc) {						\
			error_report("%s: a plugin without arguments: "	\
				     "properties go to -device", name);	\
			return -1;					\
		}							\
		if (!device_fits(name, type, sizeof(structure)))	\
			return -1;					\
		register_types();					\
		return 0;						\
	}

#endif
