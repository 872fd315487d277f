! A plug-in in Fortran: a linear regression, y_i ~ N(alpha + beta x_i, sigma^2), with alpha, beta ~ N(0, 5^2)
! and ln sigma ~ N(0, 1). The data are the path of a file with two columns, x and y.
!
!     gfortran -O2 -shared -fPIC regression.f90 -o regression.so
!     riffle fit --plugin regression.so --data points.txt
!
! riffle/plugin.h tells what each function is to do; z(:, i) is point i.
module regression
  use, intrinsic :: iso_c_binding
  implicit none
  private

  real(c_double), parameter :: log_2pi = 1.8378770664093453_c_double
  real(c_double), parameter :: prior_sd = 5

  type :: model_data
    real(c_double), allocatable :: x(:), y(:)
  end type

  character(kind=c_char, len=6), target, save :: names(3) = &
    [c_char_'alpha' // c_null_char, c_char_'beta' // c_null_char // ' ', c_char_'sigma' // c_null_char]

contains

  integer(c_int32_t) function riffle_plugin_abi() bind(c)
    riffle_plugin_abi = 1
  end function

  type(c_ptr) function riffle_plugin_create(data, error, error_size) bind(c)
    character(kind=c_char), intent(in) :: data(*)
    integer(c_size_t), value :: error_size
    character(kind=c_char), intent(inout) :: error(error_size)
    type(model_data), pointer :: model
    character(len=:), allocatable :: path
    real(c_double) :: row(2)
    integer :: unit, status, i

    riffle_plugin_create = c_null_ptr
    path = ''
    i = 1
    do while (data(i) /= c_null_char)
      path = path // data(i)
      i = i + 1
    end do
    open (newunit=unit, file=path, status='old', action='read', iostat=status)
    if (status /= 0) then
      call tell('cannot read the file "' // path // '" of x and y', error)
      return
    end if
    allocate (model)
    allocate (model%x(0), model%y(0))
    do
      read (unit, *, iostat=status) row
      if (status /= 0) exit
      model%x = [model%x, row(1)]
      model%y = [model%y, row(2)]
    end do
    close (unit)
    if (.not. is_iostat_end(status) .or. size(model%x) == 0) then
      call tell(path // ' must hold two columns of numbers', error)
      deallocate (model)
      return
    end if
    riffle_plugin_create = c_loc(model)
  end function

  subroutine riffle_plugin_destroy(handle) bind(c)
    type(c_ptr), value :: handle
    type(model_data), pointer :: model
    call c_f_pointer(handle, model)
    deallocate (model)
  end subroutine

  integer(c_size_t) function riffle_plugin_dim(handle) bind(c)
    type(c_ptr), value :: handle
    riffle_plugin_dim = 3
  end function

  integer(c_int32_t) function riffle_plugin_flags(handle) bind(c)
    type(c_ptr), value :: handle
    riffle_plugin_flags = 1 + 2  ! thread-safe, keeps constants
  end function

  subroutine riffle_plugin_evaluate(handle, n, z, log_density, gradient, status, error, error_size) bind(c)
    type(c_ptr), value :: handle
    integer(c_size_t), value :: n, error_size
    real(c_double), intent(in) :: z(3, n)
    real(c_double), intent(out) :: log_density(n), gradient(3, n)
    integer(c_int32_t), intent(inout) :: status(n)
    character(kind=c_char), intent(inout) :: error(error_size)
    type(model_data), pointer :: model
    real(c_double) :: precision, residual, squares
    integer(c_size_t) :: i
    integer :: k

    call c_f_pointer(handle, model)
    do i = 1, n
      precision = exp(-2 * z(3, i))
      squares = 0
      gradient(:, i) = 0
      do k = 1, size(model%x)
        residual = model%y(k) - z(1, i) - z(2, i) * model%x(k)
        squares = squares + residual**2
        gradient(1, i) = gradient(1, i) + residual * precision
        gradient(2, i) = gradient(2, i) + residual * precision * model%x(k)
      end do
      gradient(1:2, i) = gradient(1:2, i) - z(1:2, i) / prior_sd**2
      gradient(3, i) = squares * precision - size(model%x) - z(3, i)
      log_density(i) = -0.5_c_double * squares * precision - size(model%x) * (z(3, i) + 0.5_c_double * log_2pi) &
        - 0.5_c_double * sum(z(1:2, i)**2) / prior_sd**2 - 2 * log(prior_sd) - log_2pi &
        - 0.5_c_double * z(3, i)**2 - 0.5_c_double * log_2pi
    end do
  end subroutine

  integer(c_size_t) function riffle_plugin_value_count(handle) bind(c)
    type(c_ptr), value :: handle
    riffle_plugin_value_count = 3
  end function

  integer(c_size_t) function riffle_plugin_parameter_count(handle) bind(c)
    type(c_ptr), value :: handle
    riffle_plugin_parameter_count = 3
  end function

  type(c_ptr) function riffle_plugin_value_name(handle, i) bind(c)
    type(c_ptr), value :: handle
    integer(c_size_t), value :: i
    riffle_plugin_value_name = c_loc(names(i + 1))
  end function

  integer(c_int32_t) function riffle_plugin_constrain(handle, z, values) bind(c)
    type(c_ptr), value :: handle
    real(c_double), intent(in) :: z(3)
    real(c_double), intent(out) :: values(3)
    values = [z(1), z(2), exp(z(3))]
    riffle_plugin_constrain = 0
  end function

  integer(c_int32_t) function riffle_plugin_unconstrain(handle, parameters, z) bind(c)
    type(c_ptr), value :: handle
    real(c_double), intent(in) :: parameters(3)
    real(c_double), intent(out) :: z(3)
    riffle_plugin_unconstrain = 1
    if (.not. parameters(3) > 0) return
    z = [parameters(1), parameters(2), log(parameters(3))]
    riffle_plugin_unconstrain = 0
  end function

  subroutine tell(text, error)
    character(len=*), intent(in) :: text
    character(kind=c_char), intent(inout) :: error(:)
    integer :: i, last
    last = min(len(text), size(error) - 1)
    do i = 1, last
      error(i) = text(i:i)
    end do
    error(last + 1) = c_null_char
  end subroutine

end module
