// SPDX-License-Identifier: GPL-2.0
#include "device.h"
#include "hw/pci/pci.h"
static void hifn795x_register(void)
{
}
DEVICE_PLUGIN("hifn795x", hifn795x_register, TYPE_PCI_DEVICE, PCIDevice)
