"""A NUMA guest under QEMU: its layout, kernel, initramfs and process."""
