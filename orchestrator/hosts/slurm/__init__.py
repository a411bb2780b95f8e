"""Slurm by its own commands: ``sbatch``, ``srun``, ``squeue``, ``sacct``, ``scontrol``, ``sinfo``."""
